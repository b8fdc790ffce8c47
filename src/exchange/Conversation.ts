/**
 * Which conversation a request belongs to, as far as the client says.
 *
 * **Source:** Claude Code's `x-claude-code-session-id` header and `metadata.user_id`.
 */
import { ConversationId } from "../message/Ids.ts"
import type { MessagesRequest } from "../message/MessagesRequest.ts"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const embedded = /session_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/i
const inJson = /"session_id"\s*:\s*"([^"\\]{36})"/

/** The header's conversation, else the one in `metadata.user_id`; null where neither holds a UUID. */
export const conversationOf = (
  session: string | null,
  request: Pick<MessagesRequest, "metadata">
): ConversationId | null => {
  const userId = request.metadata?.user_id ?? ""
  const found = [session, inJson.exec(userId)?.[1], embedded.exec(userId)?.[1]].find(
    (id) => id != null && uuid.test(id)
  )
  return found == null ? null : ConversationId.make(found.toLowerCase())
}
