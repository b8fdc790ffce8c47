/**
 * Eligibility: what a request needs of a credential, and what speaks against one. Pure.
 */
import { DateTime } from "effect"
import type { CredentialId, UpstreamId } from "../message/Ids.ts"
import type { Ineligible } from "../message/Why.ts"
import { type PoolEntry, standing } from "./PoolEntry.ts"

/** What a request needs of a credential. */
export interface Need {
  /** The upstream's name of the model, or null where any will do. */
  readonly model: string | null
  /** The upstreams to ask, the first first; nobody of another one serves. Null: any, all alike. */
  readonly upstreams: ReadonlyArray<UpstreamId> | null
  /** The one credential that may serve it, or null where any may. */
  readonly only: CredentialId | null
  /** What the request goes on with, if anything: it is served by whom it was served by before. */
  readonly conversation: string | null
  /** Who has the longest part of what is asked cached, if anybody: leaving it costs making that again. */
  readonly holder: CredentialId | null
  /** On whose behalf: those who wait take turns by this. */
  readonly client: string | null
  /** Credentials this request has already tried; ignored once they are all there is. */
  readonly exclude: ReadonlySet<CredentialId>
  /** Credentials this request may not try again, whoever is left. */
  readonly barred: ReadonlySet<CredentialId>
}

/** A need that any credential meets. */
export const anyNeed: Need = {
  model: null,
  upstreams: null,
  only: null,
  conversation: null,
  holder: null,
  client: null,
  exclude: new Set(),
  barred: new Set()
}

/** What is known of a credential's models. */
export type KnownModels = Pick<PoolEntry, "models"> & { readonly free: boolean }

/** What the pool knows of a model. */
export interface ModelKnowledge {
  /** Whether some credential lists it. */
  readonly isListed: boolean
  /** Whether some credential's list is not known. */
  readonly isPartial: boolean
}

/** Whether a credential may use a model. Where its list is not known, plans without cost are taken to lack opus. */
export const suits = ({ free, models }: KnownModels, model: string | null, known: ModelKnowledge): boolean => {
  if (model === null) return true
  if (models === null) return !(free && /opus/i.test(model))
  // A model that nobody lists, of all whose lists are known, is the upstream's to refuse: lists may lag behind.
  return models.has(model) || (!known.isListed && !known.isPartial)
}

/** Whether the plan's name says that it costs nothing. */
export const isFree = ({ credential }: Pick<PoolEntry, "credential">): boolean =>
  /free/i.test(credential.subscription ?? "")

/** What the decision reads beside the credential. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly known: ModelKnowledge
  /** Until when the credential's upstream is left alone, or null. Milliseconds since the epoch. */
  readonly pausedUntil: number | null
  /** Whether the gateway's own permits are all taken. */
  readonly gatewayFull: boolean
}

/** One reason against a credential. */
export interface Reason {
  readonly kind: Ineligible
  readonly detail: string
  /** When it is over by itself, or null. Milliseconds since the epoch. */
  readonly until: number | null
}

/** Everything that speaks against a credential, the most lasting first; empty where it could serve at once. */
export const reasonsAgainst = (entry: PoolEntry, need: Need, around: Surroundings): ReadonlyArray<Reason> => {
  const { gatewayFull, known, now, pausedUntil } = around
  const { cooldown, disabled } = entry.health
  const reasons: Array<Reason> = []
  const add = (kind: Ineligible, detail: string, until: number | null = null) => reasons.push({ kind, detail, until })
  const is = standing(entry, now)
  if (is === "disabled" && disabled !== null) {
    add("disabled", disabled.reason, disabled.until === null ? null : DateTime.toEpochMillis(disabled.until))
  }
  if (need.only !== null && need.only !== entry.credential.id) {
    add("model", "the conversation lives at another account")
  }
  if (need.upstreams?.includes(entry.credential.upstream) === false) {
    add("model", "its upstream is not asked for this model")
  } else if (!suits({ models: entry.models, free: isFree(entry) }, need.model, known)) {
    add("model", `may not use ${need.model ?? ""}`)
  }
  if (cooldown !== null && DateTime.toEpochMillis(cooldown.until) > now) {
    add("cooldown", cooldown.reason, DateTime.toEpochMillis(cooldown.until))
  } else if (pausedUntil !== null && pausedUntil > now) {
    add("cooldown", "its upstream fails on several credentials", pausedUntil)
  }
  if (need.barred.has(entry.credential.id) || need.exclude.has(entry.credential.id)) {
    add("tried", "this request has tried it")
  }
  if (entry.outstanding >= entry.limit) add("full", `all ${entry.limit} permits are taken`)
  else if (is === "full") add("full", "one request finds out whether it serves again")
  else if (gatewayFull) add("full", "all permits of the gateway are taken")
  return reasons
}
