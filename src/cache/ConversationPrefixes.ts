/**
 * ConversationPrefixes: how far each conversation was served last and by whom, to tell what of it is cached where.
 *
 * Bounded: past the capacity the conversation goes that was served longest ago.
 */
import { lookBack } from "./CacheEstimate.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { Prefixes } from "./PrefixHash.ts"
import type { PrefixStore } from "./PrefixStore.ts"

/** What is taken to be cached of a conversation, by who has it, the most first. Tokens; whoever is not there has none. */
export type Cached = ReadonlyMap<CredentialId, number>

interface Served {
  readonly by: CredentialId
  /** The upstream's own name of it. */
  readonly model: string
  /** The ends of the prefixes of it in which a cache is looked for, the longest first. */
  readonly ends: Prefixes["ends"]
}

const nobody: Cached = new Map()

export class ConversationPrefixes {
  readonly #conversations = new Map<string, Served>()

  put(conversation: string, by: CredentialId, model: string, prefixes: Prefixes, capacity: number): void {
    const { before, breakpoints, ends } = prefixes
    const last = breakpoints.at(-1)?.at ?? -1
    // What ends before the first message is no conversation's own.
    const own = ends.slice(Math.max(before, last - lookBack + 1), last + 1)
    this.#conversations.delete(conversation)
    this.#conversations.set(conversation, { by, model, ends: own.toReversed() })
    for (const oldest of this.#conversations.keys()) {
      if (this.#conversations.size <= Math.max(1, capacity)) return
      this.#conversations.delete(oldest)
    }
  }

  /** Who has served it last, or null. */
  servedBy(conversation: string): CredentialId | null {
    return this.#conversations.get(conversation)?.by ?? null
  }

  /**
   * @param model the upstream's own name of it; null: the one that served last
   * @param now milliseconds since the epoch
   */
  cached(conversation: string, model: string | null, store: PrefixStore, now: number): Cached {
    const served = this.#conversations.get(conversation)
    if (served === undefined || (model !== null && model !== served.model)) return nobody
    const found = new Map<CredentialId, number>()
    for (const { fingerprint, tokens } of served.ends) {
      for (const id of store.holders(fingerprint, now)) if (!found.has(id)) found.set(id, tokens)
    }
    return found
  }

  clear(): void {
    this.#conversations.clear()
  }
}
