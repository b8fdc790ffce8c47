/**
 * PromptCache: what a prompt cache would have held for each account and model.
 *
 * Behind every cache point the prefix up to it is kept for five minutes, counted anew whenever it is read. A later
 * request reads the longest kept prefix that ends at one of its own points or within the 20 content blocks that end with one.
 * Prefixes shorter than the model's minimum are neither kept nor read.
 *
 * **Source:** prompt caching as documented for Anthropic's models on Amazon Bedrock.
 */
import { createHash } from "node:crypto"
import type { KiroModel } from "./KiroModelList.ts"
import type { PromptBlock } from "./PromptBlocks.ts"

const LIFETIME_MS = 5 * 60 * 1_000
const LOOK_BACK_BLOCKS = 20
/** Prefixes kept; past this the one that was kept or read longest ago goes. */
const MAX_PREFIXES = 10_000

/** How the input of one call divides; the three add up to all of it. Tokens. */
export interface InputTokens {
  readonly uncached: number
  readonly read: number
  readonly write: number
}

/** What one call would read, and what is to be kept if it is answered. */
export interface CacheLookup {
  readonly tokens: InputTokens
  /** Keys of prefixes to keep or to keep longer. */
  readonly keep: ReadonlyArray<string>
}

interface Boundary {
  readonly key: string
  /** Tokens and content blocks up to here. */
  readonly tokens: number
  readonly weight: number
  readonly point: boolean
}

export class PromptCache {
  /** Milliseconds since the epoch at which each prefix goes. */
  readonly #expires = new Map<string, number>()

  /** Looks up without changing anything. */
  lookup(owner: string, model: KiroModel, blocks: ReadonlyArray<PromptBlock>, now: number): CacheLookup {
    if (!blocks.some((block) => block.point)) {
      const uncached = blocks.reduce((sum, block) => sum + block.tokens, 0)
      return { tokens: { uncached, read: 0, write: 0 }, keep: [] }
    }
    const boundaries = boundariesOf(`${owner}\0${model.modelId}`, blocks)
    const total = boundaries.at(-1)?.tokens ?? 0
    const minimum = model.promptCaching.minimumTokensPerCacheCheckpoint
    const points = model.promptCaching.supportsPromptCaching
      ? boundaries.filter((boundary) => boundary.point && boundary.tokens >= minimum)
      : []
    const hit = this.#longest(boundaries, points, minimum, now)
    const read = hit?.tokens ?? 0
    const write = Math.max(0, (points.at(-1)?.tokens ?? 0) - read)
    return {
      tokens: { uncached: total - read - write, read, write },
      keep: [...(hit === undefined ? [] : [hit.key]), ...points.map((point) => point.key)]
    }
  }

  /** Keeps what an answered call has read and written. */
  keep(keys: ReadonlyArray<string>, now: number): void {
    for (const key of keys) {
      this.#expires.delete(key)
      this.#expires.set(key, now + LIFETIME_MS)
    }
    for (const key of this.#expires.keys()) {
      if (this.#expires.size <= MAX_PREFIXES) return
      this.#expires.delete(key)
    }
  }

  #longest(
    boundaries: ReadonlyArray<Boundary>,
    points: ReadonlyArray<Boundary>,
    minimum: number,
    now: number
  ): Boundary | undefined {
    return boundaries.findLast(
      (boundary) =>
        boundary.tokens >= minimum &&
        (this.#expires.get(boundary.key) ?? 0) > now &&
        points.some((point) => point.weight >= boundary.weight && point.weight - boundary.weight < LOOK_BACK_BLOCKS)
    )
  }
}

const boundariesOf = (owner: string, blocks: ReadonlyArray<PromptBlock>): ReadonlyArray<Boundary> => {
  const hash = createHash("sha256").update(owner)
  let tokens = 0
  let weight = 0
  return blocks.map((block) => {
    hash.update(`\0${block.text.length}\0`).update(block.text)
    tokens += block.tokens
    weight += block.weight
    return { key: hash.copy().digest("base64"), tokens, weight, point: block.point }
  })
}
