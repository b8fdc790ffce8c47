/**
 * Storage refused or failed: the one error of every store port.
 */
import { Schema } from "effect"

export class StorageError extends Schema.TaggedError<StorageError>()("StorageError", {
  /** What was being done, e.g. `save tokens`. Holds no values. */
  operation: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `Storage failed: ${this.operation}`
  }
}
