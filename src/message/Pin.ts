/**
 * What lives at one account of an upstream, by its id: nobody else can go on with it.
 */
import { Schema } from "effect"

export const PinKind = Schema.Literals([
  /** A conversation that the upstream holds, by its last message. */
  "thread",
  "file",
  /** A batch of messages. */
  "batch",
  /** Where an upstream runs code. */
  "container",
  /** A client key, by its id: where it made something last. */
  "client"
])
export type PinKind = typeof PinKind.Type

/** Something that an answer says has come to be at the account that served. */
export interface Made {
  readonly kind: PinKind
  readonly id: string
}
