/**
 * Delays: how long one request waits after each of its failures. Every schedule counts from its own first use.
 */
import { Duration, Effect, Pull, Schedule } from "effect"
import type { FailureKind } from "../message/FailureReason.ts"
import { rules } from "../upstream/RetryPolicy.ts"

/** Milliseconds from a failure. */
export interface Delay {
  /** Until another credential may be tried. */
  readonly switching: number
  /** Until the same one may; not less. */
  readonly again: number
}

type Step = (now: number, input: unknown) => Pull.Pull<[unknown, Duration.Duration], never, unknown>

export class Delays {
  // Bounded by the schedules there are.
  readonly #steps = new Map<Schedule.Schedule<unknown>, Step>()

  /**
   * The delay after one more failure, or null where the schedule gives up.
   *
   * @param now milliseconds since the epoch
   */
  after(kind: FailureKind, now: number): Effect.Effect<Delay | null> {
    const { again, switching } = rules[kind]
    return Effect.flatMap(this.#next(switching, now), (first) =>
      first === null
        ? Effect.succeed(null)
        : again === switching
          ? Effect.succeed({ switching: first, again: first })
          : Effect.map(this.#next(again, now), (second) =>
              second === null ? null : { switching: first, again: Math.max(first, second) }
            )
    )
  }

  #next(schedule: Schedule.Schedule<unknown>, now: number): Effect.Effect<number | null> {
    const known = this.#steps.get(schedule)
    const begun =
      known !== undefined
        ? Effect.succeed(known)
        : Effect.tap(Schedule.toStep(schedule), (step) => Effect.sync(() => this.#steps.set(schedule, step)))
    return Effect.flatMap(begun, (step) =>
      Pull.matchEffect(step(now, undefined), {
        onSuccess: ([, delay]) => Effect.succeed(Duration.toMillis(delay)),
        onDone: () => Effect.succeed(null),
        onFailure: () => Effect.succeed(null)
      })
    )
  }
}
