/**
 * PromptCache: what each account has cached of its prompts, model by model.
 *
 * Behind every breakpoint the prefix up to it is kept for as long as the breakpoint says, counted anew whenever it is
 * read. A later request reads the longest kept prefix that ends at one of its own breakpoints or within the twenty blocks
 * that end with one. Prefixes shorter than the model's minimum are neither kept nor read.
 *
 * **Source:** Anthropic's documentation of prompt caching.
 */
import { createHash } from "node:crypto"
import type { PromptBlock, Ttl } from "./PromptBlocks.ts"

const LIFETIME_MS: Readonly<Record<Ttl, number>> = { "5m": 5 * 60_000, "1h": 60 * 60_000 }
const LOOK_BACK_BLOCKS = 20
/** Prefixes kept; past this the one that was kept or read longest ago goes. */
const MAX_PREFIXES = 10_000

/** How the input of one call divides; the four add up to all of it. Tokens. */
export interface InputTokens {
  readonly uncached: number
  readonly read: number
  readonly write5m: number
  readonly write1h: number
}

/** What one call reads, and what is to be kept if it is answered. */
export interface CacheLookup {
  readonly tokens: InputTokens
  readonly keep: ReadonlyArray<{ readonly key: string; readonly ttl: Ttl }>
}

interface Boundary {
  readonly key: string
  /** Tokens up to here. */
  readonly tokens: number
  readonly index: number
  readonly keep: Ttl | null
}

interface Entry {
  readonly ttl: Ttl
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export class PromptCache {
  readonly #entries = new Map<string, Entry>()

  /**
   * Looks up without changing anything.
   *
   * @param owner account and model
   * @param minimum tokens of the shortest prefix that is cached
   */
  lookup(owner: string, blocks: ReadonlyArray<PromptBlock>, minimum: number, now: number): CacheLookup {
    const boundaries = boundariesOf(owner, blocks)
    const total = boundaries.at(-1)?.tokens ?? 0
    const points = boundaries.flatMap((it) =>
      it.keep !== null && it.tokens >= minimum ? [{ ...it, keep: it.keep }] : []
    )
    const hit = boundaries.findLast(
      ({ index, key, tokens }) =>
        tokens >= minimum &&
        (this.#entries.get(key)?.expiresAt ?? 0) > now &&
        points.some((point) => point.index >= index && point.index - index < LOOK_BACK_BLOCKS)
    )
    const read = hit?.tokens ?? 0
    const written = { "5m": 0, "1h": 0 }
    let upTo = read
    for (const { keep, tokens } of points) {
      if (tokens <= upTo) continue
      written[keep] += tokens - upTo
      upTo = tokens
    }
    const again = hit === undefined ? [] : [{ key: hit.key, ttl: this.#entries.get(hit.key)?.ttl ?? "5m" }]
    return {
      tokens: { uncached: total - upTo, read, write5m: written["5m"], write1h: written["1h"] },
      keep: [...again, ...points.map(({ keep, key }) => ({ key, ttl: keep }))]
    }
  }

  /** Keeps what an answered call has read and written. */
  keep(entries: CacheLookup["keep"], now: number): void {
    for (const { key, ttl } of entries) {
      const known = this.#entries.get(key)
      const longest = known !== undefined && known.expiresAt > now && known.ttl === "1h" ? "1h" : ttl
      this.#entries.delete(key)
      this.#entries.set(key, { ttl: longest, expiresAt: now + LIFETIME_MS[longest] })
    }
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= MAX_PREFIXES) return
      this.#entries.delete(key)
    }
  }
}

const boundariesOf = (owner: string, blocks: ReadonlyArray<PromptBlock>): ReadonlyArray<Boundary> => {
  const hash = createHash("sha256").update(owner)
  let tokens = 0
  return blocks.map((block, index) => {
    hash.update(`\0${block.text.length}\0`).update(block.text)
    tokens += block.tokens
    return { key: hash.copy().digest("base64"), tokens, index, keep: block.keep }
  })
}
