/**
 * Why a credential was chosen, in short: for the ledger and for whoever asks.
 */
import { Schema } from "effect"
import { CredentialId } from "./Ids.ts"

/** How many credentials could serve, and how many not for which first reason. */
export const Counts = Schema.Struct({
  eligible: Schema.Int,
  cooldown: Schema.Int,
  disabled: Schema.Int,
  full: Schema.Int,
  model: Schema.Int,
  group: Schema.Int,
  tried: Schema.Int
})
/** Not read-only: a choice counts in place. */
export type Counts = { -readonly [Kind in keyof typeof Counts.Type]: number }

/** Of nobody. */
export const noCounts = (): Counts => ({ eligible: 0, cooldown: 0, disabled: 0, full: 0, model: 0, group: 0, tried: 0 })

/** Why a credential is not eligible now. */
export type Ineligible = Exclude<keyof Counts, "eligible">

export const Why = Schema.Struct({
  /** What decided, in a few words. */
  because: Schema.String,
  counts: Counts,
  /** The chosen one, then others that could have served, the best first; at most eight. */
  credentials: Schema.Array(CredentialId)
})
export type Why = typeof Why.Type
