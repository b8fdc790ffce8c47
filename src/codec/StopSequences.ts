/**
 * StopSequences: finds the first of several texts in a stream of text, however it is cut.
 *
 * Each sequence is sought by the Knuth–Morris–Pratt method, so the time is linear in the text whatever a client
 * chose; where nothing has begun to match, the next possible beginning is found by `indexOf`.
 */

/** Where a sequence was found. */
export interface Match {
  readonly sequence: string
  /** Offset behind the match in the fragment it was completed by, in UTF-16 units. */
  readonly end: number
}

/** The state of one search; holds no text, only how much of each sequence the text ends with. */
export class StopSequences {
  readonly #seekers: ReadonlyArray<Seeker>

  /** @param sequences empty ones are never found */
  constructor(sequences: ReadonlyArray<string>) {
    this.#seekers = sequences.filter((sequence) => sequence !== "").map((sequence) => new Seeker(sequence))
  }

  /** False if there is nothing to seek. */
  get isActive(): boolean {
    return this.#seekers.length > 0
  }

  /** How many units at the end of the text so far may be the beginning of a match. */
  get pending(): number {
    let pending = 0
    for (const seeker of this.#seekers) pending = Math.max(pending, seeker.matched)
    return pending
  }

  /**
   * Takes the next fragment. Of several matches the one that is complete first counts, as it would have stopped the
   * text being written; of those complete at the same place, the longest.
   *
   * @returns the match, after which the search is over, or null
   */
  push(text: string): Match | null {
    let first: Match | null = null
    for (const seeker of this.#seekers) {
      const end = seeker.push(text)
      if (end === -1 || (first !== null && end > first.end)) continue
      if (first === null || end < first.end || seeker.sequence.length > first.sequence.length) {
        first = { sequence: seeker.sequence, end }
      }
    }
    return first
  }

  /** Forgets what has begun to match: the text that follows stands elsewhere. */
  reset(): void {
    for (const seeker of this.#seekers) seeker.matched = 0
  }
}

class Seeker {
  readonly sequence: string
  /** How many units of the sequence the text so far ends with. */
  matched = 0
  /** By number of units matched: how many still match when the next one does not. */
  readonly #fallback: Uint32Array

  constructor(sequence: string) {
    this.sequence = sequence
    this.#fallback = new Uint32Array(sequence.length)
    let length = 0
    for (let at = 1; at < sequence.length; at++) {
      length = this.#extend(length, sequence.charCodeAt(at))
      this.#fallback[at] = length
    }
  }

  /** The offset behind the first match that this fragment completes, or -1. */
  push(text: string): number {
    const { sequence } = this
    let { matched } = this
    let at = 0
    while (at < text.length) {
      if (matched === 0) {
        at = text.indexOf(sequence.charAt(0), at)
        if (at === -1) break
      }
      matched = this.#extend(matched, text.charCodeAt(at))
      at++
      if (matched === sequence.length) {
        this.matched = 0
        return at
      }
    }
    this.matched = matched
    return -1
  }

  #extend(matched: number, unit: number): number {
    while (matched > 0 && this.sequence.charCodeAt(matched) !== unit) matched = this.#fallback[matched - 1] ?? 0
    return this.sequence.charCodeAt(matched) === unit ? matched + 1 : 0
  }
}
