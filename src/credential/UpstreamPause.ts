/**
 * UpstreamPause: when an upstream as a whole is left alone: it failed on several credentials within moments, so that one
 * more credential would only fail the same way.
 */
import type { FailureKind } from "../message/FailureReason.ts"
import type { CredentialId, UpstreamId } from "../message/Ids.ts"

/** Failures on this many credentials … */
export const pauseAfter = 3
/** … within this time. Milliseconds. */
export const pauseWindow = 5_000
/** How long the upstream is left alone then. Milliseconds. */
export const pauseFor = 5_000

const counted: ReadonlySet<FailureKind> = new Set<FailureKind>(["network", "timeout", "upstream_error"])

export class UpstreamPause {
  /** The last failures of each upstream, at most {@link pauseAfter} of different credentials, the oldest first. */
  readonly #failures = new Map<UpstreamId, ReadonlyArray<{ readonly id: CredentialId; readonly at: number }>>()

  /**
   * A failure on one credential; until when its upstream is now left alone, or null.
   *
   * @param now milliseconds since the epoch
   */
  failed(upstream: UpstreamId, id: CredentialId, kind: FailureKind, now: number): number | null {
    if (!counted.has(kind)) return null
    const before = (this.#failures.get(upstream) ?? []).filter((one) => one.id !== id && now - one.at < pauseWindow)
    const failures = [...before, { id, at: now }].slice(-pauseAfter)
    this.#failures.set(upstream, failures)
    if (failures.length < pauseAfter) return null
    this.#failures.delete(upstream)
    return now + pauseFor
  }

  /**
   * The upstream has begun to answer a call that was made at this time: what failed before that says nothing any more.
   *
   * @param since milliseconds since the epoch
   */
  answered(upstream: UpstreamId, since: number): void {
    const failures = this.#failures.get(upstream)
    if (failures === undefined) return
    const later = failures.filter(({ at }) => at > since)
    if (later.length === 0) this.#failures.delete(upstream)
    else this.#failures.set(upstream, later)
  }
}
