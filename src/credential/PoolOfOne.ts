/**
 * PoolOfOne: the pool as a request finds it that only one credential may serve. Changes nothing of the pool itself.
 */
import type { CredentialId } from "../message/Ids.ts"
import { type Counts, noCounts } from "../message/Why.ts"
import type { PoolIndex } from "./PoolIndex.ts"
import { makeShelf, putOn, type Shelf, type Slot } from "./Shelf.ts"

/** What a choice reads of the credentials. */
export interface Candidates extends Pick<PoolIndex, "find" | "isBefore" | "knowledge" | "mode" | "pausedUntil"> {
  readonly shelves: Iterable<Shelf>
}

/** Only this credential, on a shelf of its own; null where there is none of this id. */
export const poolOfOne = (index: PoolIndex, id: CredentialId): Candidates | null => {
  const own = index.find(id)
  if (own === undefined) return null
  const shelf = makeShelf(own.shelf.key, own.entry, index.isBefore)
  const slot: Slot = { ...own, shelf }
  putOn(slot)
  return {
    find: (other) => (other === id ? slot : undefined),
    isBefore: index.isBefore,
    knowledge: (model) => index.knowledge(model),
    mode: index.mode,
    pausedUntil: (upstream) => index.pausedUntil(upstream),
    shelves: [shelf]
  }
}

/** All the others: whoever is enabled is one that may not serve what is asked. */
export const othersThan = (index: PoolIndex, id: CredentialId): Counts => {
  const counts = noCounts()
  for (const { disabled, size } of index.shelves) {
    counts.disabled += disabled
    counts.model += size - disabled
  }
  const own = index.find(id)
  if (own !== undefined) counts[own.standing === "disabled" ? "disabled" : "model"]--
  return counts
}
