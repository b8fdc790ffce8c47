/**
 * ModelCapacity: which models had no capacity at which upstreams of late: those are asked after the others.
 *
 * Bounded: past the limit the oldest mark goes; nothing is lost with it but a preference. Nothing is kept over a restart.
 */
import type { UpstreamId } from "../message/Ids.ts"

export const markLimit = 1_000
/** How long a mark lasts where the upstream does not say. Milliseconds. */
export const markedFor = 30_000

interface Mark {
  /** Milliseconds since the epoch. */
  readonly until: number
  /** When it was made, in the pool's own count of leases and failures. */
  readonly turn: number
}

export class ModelCapacity {
  /** The oldest first. */
  readonly #marks = new Map<string, Mark>()

  get size(): number {
    return this.#marks.size
  }

  /** The upstream had no capacity for the model just now. */
  lacked(upstream: UpstreamId, model: string, mark: Mark): void {
    if (model.length > longestName) return
    const key = keyOf(upstream, model)
    this.#marks.delete(key)
    this.#marks.set(key, mark)
    if (this.#marks.size <= markLimit) return
    for (const oldest of this.#marks.keys()) {
      this.#marks.delete(oldest)
      return
    }
  }

  /** The upstream has answered with the model; an answer that began before the mark says nothing of it. */
  answered(upstream: UpstreamId, model: string, turn: number): void {
    if (this.#marks.size === 0) return
    const key = keyOf(upstream, model)
    const mark = this.#marks.get(key)
    if (mark !== undefined && turn > mark.turn) this.#marks.delete(key)
  }

  /** Whether the upstream is without capacity for the model. @param now milliseconds since the epoch */
  isLacking(upstream: UpstreamId, model: string | null, now: number): boolean {
    if (this.#marks.size === 0 || model === null) return false
    return (this.#marks.get(keyOf(upstream, model))?.until ?? 0) > now
  }
}

/** Longest model name that is kept; of a longer one nothing is. Characters. */
const longestName = 256

const keyOf = (upstream: UpstreamId, model: string): string => `${upstream} ${model}`
