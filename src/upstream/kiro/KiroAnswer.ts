/**
 * KiroAnswer: one answer to a client, over as many upstream calls as it takes.
 *
 * Mostly that is one. Where the model calls `web_search`, the gateway searches and goes on from there; where a model
 * takes no documents, refuses a signature or does not know the conversation any more, the same request goes again in
 * another form. All of it happens in one lease, and the client sees one sequence of blocks.
 */
import { Effect } from "effect"
import { MessageAssembler } from "../../codec/MessageAssembler.ts"
import type { Lease } from "../../message/Lease.ts"
import { estimateText } from "../../message/TokenEstimate.ts"
import type { CallUsage, UpstreamUsage, Used } from "../../message/Usage.ts"
import { sha256Hex } from "../../message/Sha256.ts"
import { randomUuid } from "../../message/Uuid.ts"
import type { UpstreamFailure } from "../UpstreamFailure.ts"
import type { ContentSink, Settlement, UpstreamCall } from "../UpstreamProvider.ts"
import { directQuery, directText } from "./DirectSearch.ts"
import { continuationId } from "./KiroConversation.ts"
import type { KiroEnding } from "./KiroEvent.ts"
import type { Course, Forms, KiroServices, Sent } from "./KiroForms.ts"
import { generate } from "./KiroGenerate.ts"
import type { KiroToolResult } from "./KiroModel.ts"
import { encodeRequest, type KiroRequest } from "./KiroRequest.ts"
import { blockContent, search } from "./KiroWebSearch.ts"
import { runSearches, SearchTurn } from "./SearchRounds.ts"

/** Most upstream calls for one answer; past it the turn pauses, for the client to go on with. */
const maxRounds = 10

const tokensOf = (results: ReadonlyArray<KiroToolResult>): number =>
  results.reduce((sum, { content }) => sum + estimateText(content.map(({ text }) => text).join("\n")), 0)

export const answer = Effect.fnUntraced(function* (
  services: KiroServices,
  forms: Forms,
  call: UpstreamCall,
  lease: Lease,
  sink: ContentSink
): Effect.fn.Return<Settlement, UpstreamFailure> {
  const { request } = call
  const assembler = new MessageAssembler({
    maxTokens: request.max_tokens,
    stopSequences: request.stop_sequences ?? [],
    omitThinking: request.thinking?.display === "omitted"
  })
  const flush = () => {
    const events = assembler.take()
    if (events.length > 0) sink.write(events)
  }
  const settle = (ending: Pick<KiroEnding, "answeredBy" | "stopReason">, used: Used): Settlement => {
    assembler.finish()
    flush()
    const { done } = assembler
    return {
      ...used,
      stopReason: done?.reason ?? ending.stopReason,
      stopSequence: done?.reason === "stop_sequence" ? done.sequence : null,
      answeredBy: ending.answeredBy,
      verbatim: null,
      made: []
    }
  }

  const query = directQuery(request)
  if (query !== null) {
    const id = (yield* randomUuid).replaceAll("-", "")
    const toolUseId = `srvtoolu_${id}`
    const outcome = yield* search(services.dispatch, services.options, lease, call, `web_search_${id}`, query)
    sink.open(() => {})
    assembler.push({ kind: "server_tool", id: toolUseId, name: "web_search", input: { query } })
    assembler.push({ kind: "search_result", toolUseId, content: blockContent(outcome) })
    assembler.push({ kind: "text", text: directText(query, outcome) })
    return settle(
      { answeredBy: null, stopReason: "end_turn" },
      {
        calls: [{ usage: {}, outputEstimate: assembler.outputTokens, inputAdded: 0 }],
        webSearches: outcome.kind === "found" ? 1 : 0,
        isRead: false
      }
    )
  }

  const calls: Array<CallUsage> = []
  let webSearches = 0
  /** Tokens. */
  let inputAdded = 0
  let course: Course = { next: null, conversationId: call.conversation ?? (yield* randomUuid) }
  for (let round = 1; ; round++) {
    const turn = new SearchTurn()
    const outputBefore = assembler.outputTokens
    const calling = (usage: UpstreamUsage): CallUsage => ({
      usage,
      outputEstimate: assembler.outputTokens - outputBefore,
      inputAdded
    })
    const sendOnce = (kiroRequest: KiroRequest, conversationId: string) =>
      generate({
        dispatch: services.dispatch,
        options: services.options,
        lease,
        call,
        request: kiroRequest,
        body: encodeRequest(kiroRequest, {
          conversationId,
          agentContinuationId: continuationId(conversationId, sha256Hex),
          profileArn: lease.credential.profileArn,
          externalIdp: lease.credential.kind === "external_idp",
          modelFields: null
        }),
        assembler,
        sink,
        begun: (soFar) => {
          const before = [...calls]
          sink.begun(() => ({ calls: [...before, calling(soFar())], webSearches, isRead: true }))
        },
        observe: turn.observe
      })
    const sent: Sent = yield* forms.send(call, course, { call: sendOnce, mayRepeat: () => turn.isEmpty })
    const { ending } = sent
    const last = calling(ending.usage)
    calls.push(last)
    const used = () => ({ calls, webSearches, isRead: true })
    if (assembler.done !== null || ending.serverCalls.length === 0) return settle(ending, used())
    const ran = yield* runSearches(services, call, lease, ending.serverCalls, webSearches, assembler)
    webSearches = ran.webSearches
    inputAdded += last.outputEstimate + tokensOf(ran.results)
    flush()
    if (ending.stopReason !== "end_turn") return settle(ending, used())
    if (round === maxRounds) return settle({ ...ending, stopReason: "pause_turn" }, used())
    course = {
      next: turn.next(sent.request, ending.serverCalls, ran.results),
      conversationId: sent.conversationId
    }
  }
})
