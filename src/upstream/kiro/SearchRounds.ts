/**
 * SearchRounds: running the searches a model called for, and going on from its answer with what they found.
 */
import { Effect } from "effect"
import type { MessageAssembler } from "../../codec/MessageAssembler.ts"
import type { Lease } from "../../message/Lease.ts"
import type { ResponsePart } from "../../message/ResponsePart.ts"
import type { UpstreamCall } from "../UpstreamProvider.ts"
import type { KiroServices } from "./KiroForms.ts"
import type { KiroToolResult } from "./KiroModel.ts"
import { type KiroRequest, withToolRound } from "./KiroRequest.ts"
import { blockContent, resultText, search, type SearchOutcome } from "./KiroWebSearch.ts"
import { searchTool } from "./SearchTool.ts"
import type { ServerCall } from "./ToolCalls.ts"

/** Searches in one answer where the client's tool names no `max_uses`. */
const defaultMaxUses = 8

/** What one answer said, as far as the next call has to repeat it. */
export class SearchTurn {
  #text = ""
  #thinking = ""
  #signature = ""
  #isEmpty = true

  /** Whether nothing was said yet, so that the same call may be made again. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  readonly observe = (part: ResponsePart): void => {
    this.#isEmpty = false
    if (part.kind === "text") this.#text += part.text
    else if (part.kind === "thinking") this.#thinking += part.text
    else if (part.kind === "signature") this.#signature = part.signature
  }

  /** The request that goes on from this answer. Thinking is repeated only where the upstream has signed it. */
  next(request: KiroRequest, calls: ReadonlyArray<ServerCall>, results: ReadonlyArray<KiroToolResult>): KiroRequest {
    const sentName = [...request.serverTools][0] ?? "web_search"
    return withToolRound(
      request,
      {
        content: this.#text,
        toolUses: calls.map((call) => ({ toolUseId: call.toolUseId, name: sentName, input: { query: queryOf(call) } })),
        ...(this.#signature === "" || this.#thinking === ""
          ? {}
          : { reasoningContent: { reasoningText: { text: this.#thinking, signature: this.#signature } } })
      },
      results
    )
  }
}

/**
 * Runs the searches one after the other and shows each result. None of them fails the answer: what went wrong is said
 * to the client in the block's error and to the model in its words.
 *
 * @param before searches of this answer that succeeded already
 */
export const runSearches = Effect.fnUntraced(function* (
  { dispatch, options }: KiroServices,
  call: UpstreamCall,
  lease: Lease,
  calls: ReadonlyArray<ServerCall>,
  before: number,
  assembler: MessageAssembler
) {
  const results: Array<KiroToolResult> = []
  let webSearches = before
  for (const serverCall of calls) {
    const outcome =
      webSearches >= maxUses(call)
        ? failed("max_uses_exceeded")
        : yield* search(dispatch, options, lease, call, serverCall.id, queryOf(serverCall)).pipe(
            Effect.catch((error) =>
              Effect.succeed(failed(error.reason.kind === "rate_limit" ? "too_many_requests" : "unavailable"))
            )
          )
    if (outcome.kind === "found") webSearches++
    assembler.push({ kind: "search_result", toolUseId: serverCall.id, content: blockContent(outcome) })
    results.push({
      toolUseId: serverCall.toolUseId,
      content: [{ text: resultText(outcome) }],
      status: outcome.kind === "found" ? "success" : "error"
    })
  }
  return { results, webSearches }
})

const failed = (error_code: "max_uses_exceeded" | "too_many_requests" | "unavailable"): SearchOutcome => ({
  kind: "failed",
  error: { type: "web_search_tool_result_error", error_code }
})

const maxUses = (call: UpstreamCall): number => searchTool(call.request)?.max_uses ?? defaultMaxUses

const queryOf = ({ input }: ServerCall): string =>
  typeof input === "object" && input !== null && "query" in input && typeof input.query === "string" ? input.query : ""
