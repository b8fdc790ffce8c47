/**
 * Which conversation a request belongs to, as far as the client says.
 *
 * **Source:** Claude Code's `x-claude-code-session-id` header and `metadata.user_id`.
 */
import { crc32 } from "../codec/Crc32.ts"
import { ConversationId } from "../message/Ids.ts"
import type { MessagesRequest } from "../message/MessagesRequest.ts"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const embedded = /session_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/i
const inJson = /"session_id"\s*:\s*"([^"\\]{36})"/

/** Where a request belongs in the pool. */
export interface Affinity {
  /** Whom it goes on with, or null where nothing has come before. */
  readonly from: string | null
  /** What goes on with whoever serves it. */
  readonly to: string
}

/** Text at the beginning of a conversation that tells it from others. Characters of each part. */
const toldBy = 4_096

/**
 * The conversation that a request belongs to: the one that the client names, else one known by how it begins. One that
 * only begins has served nobody yet, and whoever comes first may serve it.
 */
export const affinityOf = (
  named: ConversationId | null,
  { messages, model, system }: Pick<MessagesRequest, "messages" | "model" | "system">
): Affinity => {
  if (named !== null) return { from: named, to: named }
  const [first] = messages
  const text = [model, headOf(system), headOf(first.content)].join("\n")
  const to = `prefix:${crc32(new TextEncoder().encode(text)).toString(16)}:${text.length}`
  return { from: messages.some(({ role }) => role === "assistant") ? to : null, to }
}

/** What is said, however it is written: as one text or in blocks, wherever it may be cached. */
const headOf = (content: unknown): string => {
  if (typeof content === "string") return content.slice(0, toldBy)
  if (!Array.isArray(content)) return ""
  return content
    .map((block) => textOf(block) ?? JSON.stringify(block, beginning) ?? "")
    .join("\n")
    .slice(0, toldBy)
}

const textOf = (block: unknown): string | null =>
  typeof block === "object" && block !== null && "text" in block && typeof block.text === "string" ? block.text : null

/** A picture or a document is told by its beginning, too. */
const beginning = (name: string, value: unknown): unknown =>
  name === "cache_control" ? undefined : typeof value === "string" ? value.slice(0, toldBy) : value

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
