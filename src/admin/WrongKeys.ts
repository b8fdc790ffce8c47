/**
 * WrongKeys: how many wrong keys an address has presented lately.
 *
 * Bounded: at most 4,096 addresses with ten times each; past it the address that was wrong longest ago is forgotten. An
 * attacker with more addresses than that is not held up by a limit per address anyway.
 */

/** Wrong keys in one window that are answered as such. */
const most = 10
/** Milliseconds. */
const windowMs = 60_000
const mostAddresses = 4_096

export class WrongKeys {
  /** When each address was wrong within the window, oldest first; the address that was wrong last stands last. */
  readonly #times = new Map<string, ReadonlyArray<number>>()

  get size(): number {
    return this.#times.size
  }

  /**
   * Notes a wrong key, at a time in milliseconds. Null while the address keeps within the limit; past it, in how many
   * milliseconds it may be wrong again. A key that is over the limit is not counted once more.
   */
  note(address: string, now: number): number | null {
    const recent = (this.#times.get(address) ?? []).filter((time) => time > now - windowMs)
    const [oldest = now] = recent
    const refused = recent.length >= most
    this.#times.delete(address)
    this.#times.set(address, refused ? recent : [...recent, now])
    for (const [first] of this.#times) {
      if (this.#times.size <= mostAddresses) break
      this.#times.delete(first)
    }
    return refused ? oldest + windowMs - now : null
  }
}
