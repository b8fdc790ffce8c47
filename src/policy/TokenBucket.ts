/**
 * TokenBucket: so much a minute, refilled continuously, for things whose size is only known afterwards.
 *
 * What is taken beforehand is settled when the real amount is known, and that may leave a debt: then nothing more is
 * given until it has been refilled. Whoever asks for more than the bucket holds gets it from a full bucket, so that the
 * largest request has its turn, too.
 *
 * **Details**
 *
 * In any stretch of time no more is given than the bucket holds, what is refilled meanwhile, and what the last request
 * took beyond that. Time is passed in, in milliseconds; time that runs backwards refills nothing.
 *
 * **Source:** Anthropic, rate limits: a token bucket, refilled up to the limit all the time.
 */
const minute = 60_000

export class TokenBucket {
  #limit: number
  #level: number
  #at: number

  /** Full at first. @param limit what it holds, and what is refilled in a minute; more than 0 */
  constructor(limit: number, now: number) {
    this.#limit = limit
    this.#level = limit
    this.#at = now
  }

  get limit(): number {
    return this.#limit
  }

  /** What can be had at once; below 0: a debt. */
  level(now: number): number {
    const passed = Math.max(0, now - this.#at)
    this.#at = Math.max(now, this.#at)
    this.#level = Math.min(this.#limit, this.#level + (passed * this.#limit) / minute)
    return this.#level
  }

  /** When so much can be had, and 0 where it can be had now. Whole milliseconds from now. */
  wait(amount: number, now: number): number {
    return this.#until(Math.min(amount, this.#limit), now)
  }

  /** When it is full. Whole milliseconds from now. */
  untilFull(now: number): number {
    return this.#until(this.#limit, now)
  }

  /** Takes so much, whether it is there or not. */
  take(amount: number, now: number): void {
    this.#level = this.level(now) - amount
  }

  /** What was taken turns out to be another amount. */
  settle(taken: number, actual: number, now: number): void {
    this.#level = Math.min(this.#limit, this.level(now) + taken - actual)
  }

  /** Holds another amount from now on. More is there at once; of what was there no more stays than it holds. */
  resize(limit: number, now: number): void {
    this.#level = Math.min(limit, this.level(now) + Math.max(0, limit - this.#limit))
    this.#limit = limit
  }

  #until(level: number, now: number): number {
    const lacking = level - this.level(now)
    // Less than that is what adding up has lost.
    return lacking <= 1e-6 ? 0 : Math.ceil((lacking * minute) / this.#limit)
  }
}
