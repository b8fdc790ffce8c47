/**
 * CacheEstimate: what a request would find cached, and would leave behind, by Anthropic's documented rules. Pure over the
 * store that is asked.
 */
import type { CredentialId } from "../message/Ids.ts"
import type { Lifetime, Prefixes } from "./PrefixHash.ts"

/** Blocks in which a shorter prefix is still found, the breakpoint's own among them. */
export const lookBack = 20

/** Tokens: what is read from the cache, what is newly written, by how long it stays. */
export interface CacheEstimate {
  readonly read: number
  /** Where what is read ends among the blocks' ends, or null. */
  readonly found: number | null
  readonly written: Readonly<Record<Lifetime, number>>
}

/** Tokens up to the last breakpoint; 0 where that is less than the model caches. */
export const prefixTokens = ({ breakpoints, ends }: Prefixes, minimum: number): number => {
  const last = breakpoints.at(-1)
  const tokens = last === undefined ? 0 : (ends[last.at]?.tokens ?? 0)
  return tokens < minimum ? 0 : tokens
}

const nothing: CacheEstimate = { read: 0, found: null, written: { "5m": 0, "1h": 0 } }

/**
 * @param minimum the least that the model caches. Tokens
 * @param has whether a fingerprint is cached where the request is served
 */
export const estimateCache = (
  prefixes: Prefixes,
  minimum: number,
  has: (fingerprint: string) => boolean
): CacheEstimate => {
  const { breakpoints, ends } = prefixes
  if (prefixTokens(prefixes, minimum) === 0) return nothing
  let found: number | null = null
  for (const { at } of breakpoints.toReversed()) {
    for (let n = at; n >= Math.max(0, at - lookBack + 1) && found === null; n--) {
      const end = ends[n]
      if (end !== undefined && end.tokens >= minimum && has(end.fingerprint)) found = n
    }
  }
  const read = found === null ? 0 : (ends[found]?.tokens ?? 0)
  const written = { "5m": 0, "1h": 0 }
  let reached = read
  for (const { at, lifetime } of breakpoints) {
    const tokens = ends[at]?.tokens ?? 0
    if (tokens <= reached || tokens < minimum) continue
    written[lifetime] += tokens - reached
    reached = tokens
  }
  return { read, found, written }
}

/**
 * Whose cache holds the longest part of a conversation, or null. A part that ends before the first message is what many
 * conversations have in common: going by it would bring all of them to one account.
 */
export const holderOf = (
  { before, breakpoints, ends }: Prefixes,
  holder: (fingerprint: string) => CredentialId | null
): CredentialId | null => {
  const last = breakpoints.at(-1)?.at ?? -1
  for (let n = last; n >= before; n--) {
    const found = holder(ends[n]?.fingerprint ?? "")
    if (found !== null) return found
  }
  return null
}

/** Anthropic's least that is cached, where the upstream does not tell it. Tokens. **Source:** "Prompt caching". */
export const leastCached = (model: string): number => {
  if (/opus-4\.[5-9]|opus-[5-9]|haiku-4\.5/.test(model)) return 4_096
  return /sonnet-4\.6|haiku-3/.test(model) ? 2_048 : 1_024
}
