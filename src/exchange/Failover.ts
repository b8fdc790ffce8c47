/**
 * Failover: what to do after each failed attempt. Pure bookkeeping of one request; the exchange acts on it.
 */
import type { FailureKind, FailureReason } from "../message/FailureReason.ts"
import type { CredentialId } from "../message/Ids.ts"
import { rules } from "../upstream/RetryPolicy.ts"

/** The bounds of one request, from the settings. */
export interface FailoverLimits {
  readonly maxAttempts: number
  readonly maxAttemptsPerCredential: number
}

export type Verdict =
  /** Another attempt may be made once the schedule of this kind allows it. */
  | { readonly kind: "retry"; readonly by: FailureKind }
  /** A new token for the same credential, if it can be had; {@link Failover.renewed} says that it was. */
  | { readonly kind: "refresh" }
  | { readonly kind: "stop" }

export class Failover {
  /** Credentials that failed; they may come back into play where nobody else is left. */
  readonly tried = new Set<CredentialId>()
  /** Credentials that this request may not use again, whoever is left. */
  readonly barred = new Set<CredentialId>()
  readonly #refreshed = new Set<CredentialId>()
  readonly #attempts = new Map<CredentialId, number>()
  readonly #limits: FailoverLimits
  #total = 0

  constructor(limits: FailoverLimits) {
    this.#limits = limits
  }

  /** Attempts begun so far; one that a fresh token repeats counts once. */
  get attempts(): number {
    return this.#total
  }

  /** Whether any credential that failed may be tried once more. */
  get mayReturn(): boolean {
    return [...this.tried].some((id) => !this.barred.has(id))
  }

  /** An attempt with this credential begins. */
  begin(id: CredentialId): void {
    this.#total++
    this.#attempts.set(id, (this.#attempts.get(id) ?? 0) + 1)
  }

  /**
   * What follows a failed attempt. A fault of the credential or its directory is not mended by another try of the same;
   * a fault of the way may be.
   *
   * @param started content has reached the client; there is no way back
   */
  judge(id: CredentialId, reason: FailureReason, started: boolean): Verdict {
    if (started) return { kind: "stop" }
    const rule = rules[reason.kind]
    if (rule.next === "stop") return { kind: "stop" }
    if (rule.next === "refresh" && !this.#refreshed.has(id)) {
      this.#refreshed.add(id)
      return { kind: "refresh" }
    }
    return this.pass(id, reason.kind, reason.scope === "credential" || reason.scope === "directory")
  }

  /** The credential has another token: the attempt that showed the need is made again and counts once. */
  renewed(id: CredentialId): void {
    this.#total--
    this.#attempts.set(id, (this.#attempts.get(id) ?? 1) - 1)
  }

  /**
   * This credential did not work out; whether there may be another attempt at all.
   *
   * @param own the fault is the credential's own: it is not tried again
   */
  pass(id: CredentialId, by: FailureKind, own: boolean): Verdict {
    this.tried.add(id)
    if (own || (this.#attempts.get(id) ?? 0) >= this.#limits.maxAttemptsPerCredential) this.barred.add(id)
    return this.#total >= this.#limits.maxAttempts ? { kind: "stop" } : { kind: "retry", by }
  }

  /** Whether this credential may be tried once more by this request. */
  mayRetrySame(id: CredentialId): boolean {
    return !this.barred.has(id) && this.#total < this.#limits.maxAttempts
  }
}
