/**
 * ConversationPrefixes: how far each conversation was served last, to tell what of it is cached where.
 *
 * Bounded: past the capacity the conversation goes that was served longest ago.
 */
import type { CredentialId } from "../message/Ids.ts"
import type { Prefixes } from "./PrefixHash.ts"
import type { PrefixStore } from "./PrefixStore.ts"

/** What is taken to be cached of a conversation, by who has it, the most first. Tokens; whoever is not there has none. */
export type Cached = ReadonlyMap<CredentialId, number>

type Ends = Prefixes["ends"]

export class ConversationPrefixes {
  /** The ends of the prefixes that were to be cached, the longest first. */
  readonly #conversations = new Map<string, Ends>()

  put(conversation: string, { breakpoints, ends }: Prefixes, capacity: number): void {
    this.#conversations.delete(conversation)
    this.#conversations.set(
      conversation,
      breakpoints.toReversed().flatMap(({ at }) => ends[at] ?? [])
    )
    for (const oldest of this.#conversations.keys()) {
      if (this.#conversations.size <= Math.max(1, capacity)) return
      this.#conversations.delete(oldest)
    }
  }

  /** @param now milliseconds since the epoch */
  cached(conversation: string, store: PrefixStore, now: number): Cached {
    const found = new Map<CredentialId, number>()
    for (const { fingerprint, tokens } of this.#conversations.get(conversation) ?? []) {
      for (const id of store.holders(fingerprint, now)) if (!found.has(id)) found.set(id, tokens)
    }
    return found
  }

  clear(): void {
    this.#conversations.clear()
  }
}
