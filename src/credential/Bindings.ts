/**
 * Bindings: which credential a conversation belongs to, so that what an account has cached is found again.
 *
 * A binding lives for `pool.stickyTtl` from its last success. Bounded: past the limit the one whose success is longest
 * ago goes. Nothing is lost with it but a preference; nothing is kept over a restart.
 */
import type { CredentialId } from "../message/Ids.ts"

export const bindingLimit = 4_096

export class Bindings {
  /** In the order of their last success. */
  readonly #bindings = new Map<string, { readonly id: CredentialId; readonly at: number }>()

  get size(): number {
    return this.#bindings.size
  }

  /**
   * Whom the conversation belongs to, or null.
   *
   * @param now milliseconds since the epoch
   * @param ttl milliseconds
   */
  find(conversation: string | null, now: number, ttl: number): CredentialId | null {
    const binding = conversation === null ? undefined : this.#bindings.get(conversation)
    return binding === undefined || now - binding.at >= ttl ? null : binding.id
  }

  /** The credential has served the conversation just now. */
  bind(conversation: string, id: CredentialId, now: number): void {
    this.#bindings.delete(conversation)
    this.#bindings.set(conversation, { id, at: now })
    if (this.#bindings.size <= bindingLimit) return
    for (const oldest of this.#bindings.keys()) {
      this.#bindings.delete(oldest)
      return
    }
  }
}
