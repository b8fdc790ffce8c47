/**
 * PrefixHash: the prefixes of a request that could be cached, each with a fingerprint and its tokens. Pure.
 *
 * A request is read in the order in which it is cached: tools, system, messages. Every block goes into a chain of hashes,
 * so that a fingerprint stands for everything before it, too. What changes the upstream's prefix without standing in a
 * block (model, `tool_choice`, thinking, the answer's format) comes first in the chain.
 *
 * Anthropic's own billing line at the beginning of the system prompt differs from request to request and is left out.
 * Nothing else is: two prompts that are not equal never have one fingerprint.
 *
 * **Source:** Anthropic, "Prompt caching": at most 4 breakpoints, longer lifetimes first, a look-back of 20 blocks.
 */
import { Result } from "effect"
import { isMarked, type Mark, markOf, marksWithin } from "../message/CacheMark.ts"
import { withoutBillingLine } from "../message/BillingLine.ts"
import type { CacheControl } from "../message/ContentBlockParam.ts"
import type { InvalidMember, MessagesRequest } from "../message/MessagesRequest.ts"
import { asksForThinking } from "../message/ModelName.ts"
import { RequestCount } from "../message/RequestEstimate.ts"
import { sha256Hex } from "../message/Sha256.ts"
import { canonical, canonicalBlock } from "./CanonicalJson.ts"

/** How long a prefix stays cached. */
export type Lifetime = "5m" | "1h"

/** A place up to which the client asks for the prefix to be cached. */
export interface Breakpoint {
  /** Its place among the blocks' ends. */
  readonly at: number
  readonly lifetime: Lifetime
}

/** A request as a row of growing prefixes. */
export interface Prefixes {
  /** For each block's end the fingerprint of all up to it, and its tokens; empty where nothing is to be cached. */
  readonly ends: ReadonlyArray<{ readonly fingerprint: string; readonly tokens: number }>
  readonly breakpoints: ReadonlyArray<Breakpoint>
  /** How many of the ends are before the first message. */
  readonly before: number
  /** Tokens of the whole request. */
  readonly total: number
}

/** Most places that a client may mark itself. */
const maxBreakpoints = 4

/** @param model the upstream's own name of the model */
export const prefixesOf = (given: MessagesRequest, model: string): Result.Result<Prefixes, InvalidMember> => {
  const request = withoutBillingLine(given)
  const reader = new Reader(isCached(request), model, request)
  for (const [index, tool] of (request.tools ?? []).entries()) reader.tool(tool, `tools.${index}`)
  const { system } = request
  if (typeof system === "string") reader.system(system, null, "system")
  else
    for (const [index, block] of (system ?? []).entries())
      reader.system(block.text, block.cache_control, `system.${index}`)
  for (const [index, { content, role }] of request.messages.entries()) {
    if (index === 0) reader.begin()
    reader.message(role)
    if (typeof content === "string") reader.text(content)
    else for (const [n, block] of content.entries()) reader.block(block, `messages.${index}.content.${n}`)
  }
  return reader.finish(request)
}

/** Whether anything in it asks to be cached; most requests that do not are spared the hashing. */
const isCached = (request: MessagesRequest): boolean => {
  const { messages, system, tools } = request
  return (
    markOf(request) !== null ||
    (tools ?? []).some((tool) => markOf(tool) !== null) ||
    (typeof system === "string" ? false : (system ?? []).some((block) => markOf(block) !== null)) ||
    messages.some(({ content }) => typeof content !== "string" && content.some(isMarked))
  )
}

class Reader {
  readonly #count = new RequestCount()
  readonly #ends: Array<{ readonly fingerprint: string; readonly tokens: number }> = []
  readonly #breakpoints: Array<Breakpoint & { readonly path: string }> = []
  readonly #hashes: boolean
  #before = 0
  #chain = ""

  constructor(hashes: boolean, model: string, request: MessagesRequest) {
    this.#hashes = hashes
    this.#link("prelude", canonical([model, choiceOf(request), thinkingOf(request)]))
  }

  tool(tool: NonNullable<MessagesRequest["tools"]>[number], path: string): void {
    this.#count.tool(tool)
    if (this.#hashes) this.#link("tool", canonicalBlock(tool))
    this.#end(marksOf(markOf(tool)), path)
  }

  system(text: string, control: CacheControl | null | undefined, path: string): void {
    this.#count.text(text)
    this.#link("system", text)
    this.#end(marksOf(control ?? null), path)
  }

  /** The messages begin. */
  begin(): void {
    this.#before = this.#ends.length
  }

  message(role: string): void {
    this.#count.message()
    this.#link("message", role)
  }

  text(text: string): void {
    this.#count.text(text)
    // One text, and a list with that text alone, are the same to every upstream.
    if (this.#hashes) this.#link("block", canonical({ type: "text", text }))
    this.#end(noMarks, "")
  }

  block(block: Exclude<MessagesRequest["messages"][number]["content"], string>[number], path: string): void {
    this.#count.block(block)
    if (this.#hashes) this.#link("block", canonicalBlock(block))
    this.#end(this.#hashes ? marksWithin(block) : noMarks, path)
  }

  finish(request: MessagesRequest): Result.Result<Prefixes, InvalidMember> {
    this.#count.rest(request)
    const last = this.#ends.length - 1
    const own = markOf(request)
    if (own !== null && last >= 0) {
      const there = this.#breakpoints.findLast(({ at }) => at === last)
      const lifetime = own.ttl ?? "5m"
      if (there === undefined) this.#breakpoints.push({ at: last, lifetime, path: "" })
      else if (there.lifetime !== lifetime) {
        return refused("cache_control.ttl", "the last block asks for another lifetime itself")
      }
    }
    const fifth = this.#breakpoints[maxBreakpoints]
    if (fifth !== undefined) {
      return refused(controlOf(fifth), `at most ${maxBreakpoints} blocks may have cache_control`)
    }
    const late = this.#breakpoints.find(
      ({ lifetime }, index) =>
        lifetime === "1h" && this.#breakpoints.slice(0, index).some((one) => one.lifetime === "5m")
    )
    if (late !== undefined) {
      const problem = "a lifetime of 1h must not come after one of 5m (tools, then system, then messages)"
      return refused(`${controlOf(late)}.ttl`, problem)
    }
    return Result.succeed({
      ends: this.#ends,
      breakpoints: this.#breakpoints.map(({ at, lifetime }) => ({ at, lifetime })),
      before: this.#before,
      total: Math.max(1, this.#count.total)
    })
  }

  #link(kind: string, text: string): void {
    if (this.#hashes) this.#chain = sha256Hex(`${this.#chain}\0${kind}\0${text.length}\0${text}`)
  }

  #end(marks: ReadonlyArray<Mark>, path: string): void {
    if (!this.#hashes) return
    for (const [control, inner] of marks) {
      this.#breakpoints.push({ at: this.#ends.length, lifetime: control.ttl ?? "5m", path: path + inner })
    }
    this.#ends.push({ fingerprint: this.#chain, tokens: this.#count.total })
  }
}

const noMarks: ReadonlyArray<Mark> = []
const marksOf = (control: CacheControl | null): ReadonlyArray<Mark> => (control === null ? noMarks : [[control, ""]])

const controlOf = ({ path }: { readonly path: string }): string =>
  path === "" ? "cache_control" : `${path}.cache_control`

const refused = (path: string, problem: string): Result.Result<never, InvalidMember> => Result.fail({ path, problem })

/** To leave the choice to the model is what is done without a word, too. */
const choiceOf = ({ tool_choice }: MessagesRequest): unknown => {
  const isUsual = tool_choice?.type === "auto" && tool_choice.disable_parallel_tool_use !== true
  return isUsual ? null : (tool_choice ?? null)
}

/** What of thinking and the answer's format is said before or beside the prompt: with another, another prompt is cached. */
const thinkingOf = ({ messages, model, output_config, output_format, thinking }: MessagesRequest): unknown => [
  asksForThinking(model),
  thinking?.type ?? "disabled",
  thinking?.budget_tokens ?? null,
  output_config ?? null,
  output_format ?? null,
  messages.findLast((message) => "output_config" in message) ?? null
]
