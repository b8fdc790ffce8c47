/**
 * Branded identifiers: each string that names something, so that one is never passed for another.
 */
import { Schema } from "effect"

/** One upstream credential; stable across restarts. */
export const CredentialId = Schema.String.pipe(Schema.brand("CredentialId"))
export type CredentialId = typeof CredentialId.Type

/** One configured upstream (`upstreams[].id`). */
export const UpstreamId = Schema.String.pipe(Schema.brand("UpstreamId"))
export type UpstreamId = typeof UpstreamId.Type

/** One client request; the `request-id` header of its answer (`req_…`). */
export const RequestId = Schema.String.pipe(Schema.brand("RequestId"))
export type RequestId = typeof RequestId.Type

/** One client key; never the key itself. */
export const ClientKeyId = Schema.String.pipe(Schema.brand("ClientKeyId"))
export type ClientKeyId = typeof ClientKeyId.Type

/** A client's conversation, as the client itself names it (a UUID). */
export const ConversationId = Schema.String.pipe(Schema.brand("ConversationId"))
export type ConversationId = typeof ConversationId.Type

/** One credential group (`groups[].id`). */
export const GroupId = Schema.String.pipe(Schema.brand("GroupId"))
export type GroupId = typeof GroupId.Type
