/**
 * Budget: how long one request may go on trying. Runs from its first permit; stands still while it waits for a permit.
 */
export class Budget {
  readonly #limit: number
  readonly #now: () => number
  #spent = 0
  /** Since when it runs, or null where it stands still. */
  #since: number | null = null

  /**
   * @param limit milliseconds
   * @param now milliseconds since the epoch
   */
  constructor(limit: number, now: () => number) {
    this.#limit = limit
    this.#now = now
  }

  /** What is left. Milliseconds, never negative. */
  get left(): number {
    const running = this.#since === null ? 0 : this.#now() - this.#since
    return Math.max(0, this.#limit - this.#spent - running)
  }

  run(): void {
    this.#since ??= this.#now()
  }

  pause(): void {
    if (this.#since === null) return
    this.#spent += this.#now() - this.#since
    this.#since = null
  }
}
