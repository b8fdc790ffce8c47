/**
 * Live changes as the admin API tells them.
 */
import { Schema } from "effect"
import { CredentialId } from "../message/Ids.ts"
import { CredentialView } from "./CredentialSchema.ts"
import { RequestView } from "./RequestApi.ts"

/** A credential that changed, as it is now; null: it is gone. */
export const CredentialChanged = Schema.Struct({ id: CredentialId, credential: Schema.NullOr(CredentialView) })

/** Sections of the settings that changed; `groups` among them. */
export const SettingsChanged = Schema.Struct({ sections: Schema.Array(Schema.String) })

/** What a stream of events says before it ends by itself. */
export const ListenerCut = Schema.Struct({ reason: Schema.Literals(["slow", "stopping"]) })

const id = Schema.String
const event = <const Name extends string, Data extends Schema.Codec<unknown, unknown>>(name: Name, data: Data) =>
  Schema.Struct({ id, event: Schema.Literal(name), data: Schema.fromJsonString(data) })

/** One event of the stream. */
export const LiveEvent = Schema.Union([
  event("credential", CredentialChanged),
  event("request", RequestView),
  event("settings", SettingsChanged),
  event("cut", ListenerCut)
]).annotate({ identifier: "LiveEvent" })
