/**
 * Why a client key was not made, changed or deleted.
 */
import { Schema } from "effect"

/** There are as many as there may be. */
export const TooMany = Schema.TaggedStruct("TooMany", { most: Schema.Int })

/** No key has this id. */
export const Unknown = Schema.TaggedStruct("Unknown", {})

/** It stands in the configuration, and only there can it be changed. */
export const Fixed = Schema.TaggedStruct("Fixed", {})

export class ClientKeysError extends Schema.TaggedError<ClientKeysError>()("ClientKeysError", {
  reason: Schema.Union([TooMany, Unknown, Fixed])
}) {
  override get message(): string {
    const { reason } = this
    switch (reason._tag) {
      case "TooMany":
        return `there are ${reason.most} keys, and no more may be made before one is deleted`
      case "Unknown":
        return "there is no such key"
      case "Fixed":
        return "this key stands in the configuration (auth.clientKeys) and can only be changed there"
    }
  }
}
