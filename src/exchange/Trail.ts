/**
 * Trail: the attempts of one request as the ledger will have them. One that a renewed token repeats is one.
 */
import type { AttemptRecord, RecordedUsage } from "../message/RequestRecord.ts"
import type { FailureReason } from "../message/FailureReason.ts"
import { creditsOf } from "../message/Usage.ts"
import type { Relay } from "./Relay.ts"

type Begun = Pick<AttemptRecord, "credentialId" | "upstream" | "why">

interface Current extends Begun {
  /** Milliseconds since the epoch. */
  readonly began: number
  readonly queue: number
  refreshed: boolean
}

export class Trail {
  readonly #ended: Array<AttemptRecord> = []
  readonly #arrived: number
  readonly #relay: Pick<Relay, "head" | "soFar">
  readonly #spent: () => RecordedUsage | null
  readonly #now: () => number
  #current: Current | null = null

  /**
   * @param relay the answer as it stands while an attempt is made; its `firstEvent` counts from now
   * @param spent what the attempt has used by then, where that is known
   */
  constructor(relay: Pick<Relay, "head" | "soFar">, spent: () => RecordedUsage | null, now: () => number) {
    this.#relay = relay
    this.#spent = spent
    this.#now = now
    this.#arrived = now()
  }

  /** @param queue how long its permit took. Milliseconds */
  begin({ credentialId, upstream, why }: Begun, queue: number): void {
    this.#current ??= { credentialId, upstream, why, queue, began: this.#now(), refreshed: false }
  }

  /** The attempt is made again with a new token. */
  renewed(): void {
    if (this.#current !== null) this.#current.refreshed = true
  }

  /** @param failure null where it answered, or was not waited for */
  end(failure: (NonNullable<AttemptRecord["failure"]> & Pick<FailureReason, "requestId">) | null): void {
    if (this.#current === null) return
    const { began, queue, ...current } = this.#current
    const { head, soFar } = this.#relay
    const { firstEvent, upstreamHeader, upstreamRequestId } = head
    this.#current = null
    this.#ended.push({
      ...current,
      failure: failure === null ? null : { kind: failure.kind, status: failure.status, scope: failure.scope },
      upstreamRequestId: failure?.requestId ?? upstreamRequestId,
      usage: this.#spent(),
      credits: soFar === null ? null : creditsOf(soFar),
      phases: {
        queue,
        upstreamHeader,
        firstEvent: firstEvent === null ? null : Math.max(0, this.#arrived + firstEvent - began),
        total: this.#now() - began
      }
    })
  }

  /** All of them; one that is still made ends here. */
  finish(): ReadonlyArray<AttemptRecord> {
    this.end(null)
    return this.#ended
  }
}
