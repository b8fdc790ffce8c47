/**
 * Why a client key's request is not served.
 */
import { Schema } from "effect"
import { Period } from "../message/KeyLimits.ts"

/** The key was deleted or disabled, or has expired, since it was presented. */
export const NoKey = Schema.TaggedStruct("NoKey", {})

/** The key may not use this model. */
export const Model = Schema.TaggedStruct("Model", { model: Schema.String })

/** A limit of the key is reached. */
export const Limit = Schema.TaggedStruct("Limit", {
  limit: Schema.Literals(["requests", "tokens", "concurrent"]),
  most: Schema.Int,
  retryAfterMs: Schema.Number
})

/** The key's budget is used up until it renews. */
export const Budget = Schema.TaggedStruct("Budget", { per: Period, retryAfterMs: Schema.Number })

/** The key's tokens are limited, and what a batch will use is not known here. */
export const Batch = Schema.TaggedStruct("Batch", {})

export class KeyRefused extends Schema.TaggedError<KeyRefused>()("KeyRefused", {
  reason: Schema.Union([NoKey, Model, Limit, Budget, Batch])
}) {
  override get message(): string {
    return `Refused to a client key: ${this.reason._tag}`
  }
}
