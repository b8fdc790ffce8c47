/**
 * LogHistogram: how long things took, in a fixed number of buckets whose bounds grow by a fixed factor, so that a
 * quantile is known to within that factor whatever was noted. Histograms add up.
 */

/** Each bucket's upper bound over the one before. */
export const factor = 2 ** (1 / 8)
/** Milliseconds; the first bucket holds all up to it. */
const first = 1
/** The last bucket holds all that is longer than about three hours. */
const buckets = 190

export class LogHistogram {
  readonly #counts = new Uint32Array(buckets)
  #total = 0

  get total(): number {
    return this.#total
  }

  /** @param ms not negative */
  note(ms: number): void {
    const bucket = ms <= first ? 0 : Math.ceil(Math.log(ms / first) / Math.log(factor) - 1e-9)
    const index = Math.min(buckets - 1, bucket)
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
  }

  add(other: LogHistogram): void {
    other.#counts.forEach((count, index) => {
      this.#counts[index] = (this.#counts[index] ?? 0) + count
    })
    this.#total += other.#total
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
  }

  /**
   * The value that a share of those noted do not exceed, rounded up to its bucket's bound; null where nothing was noted.
   * Milliseconds.
   *
   * @param share more than 0, at most 1
   */
  quantile(share: number): number | null {
    if (this.#total === 0) return null
    const rank = Math.ceil(share * this.#total)
    let seen = 0
    for (let index = 0; index < buckets; index++) {
      seen += this.#counts[index] ?? 0
      if (seen >= rank) return first * factor ** index
    }
    return null
  }
}
