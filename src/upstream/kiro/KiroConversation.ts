/**
 * KiroConversation: the ids by which the upstream tells conversations apart.
 */
import { Option, Schema } from "effect"

const UserId = Schema.fromJsonString(Schema.Struct({ session_id: Schema.String }))
const readUserId = Schema.decodeUnknownOption(UserId)

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The session that Claude Code writes into `metadata.user_id`: the member `session_id` of a JSON object, or what
 * follows `session_`. Null where there is none, or where it is no UUID.
 */
export const sessionId = (userId: string): string | null => {
  const named = Option.map(readUserId(userId), (user) => user.session_id)
  const start = userId.indexOf(marker)
  const id = Option.getOrElse(named, () =>
    start < 0 ? "" : userId.slice(start + marker.length, start + marker.length + 36)
  )
  return uuid.test(id) ? id : null
}

const marker = "session_"

/**
 * The id under which the upstream continues a conversation: always the same for the same conversation.
 *
 * @param sha256Hex lower-case hex of the SHA-256 of a text's UTF-8 bytes
 */
export const continuationId = (conversationId: string, sha256Hex: (text: string) => string): string => {
  const hash = sha256Hex(conversationId)
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join("-")
}
