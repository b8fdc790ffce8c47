/**
 * KiroConversation: the ids by which the upstream tells conversations apart.
 */

/**
 * The id under which the upstream continues a conversation: always the same for the same conversation.
 *
 * @param sha256Hex lower-case hex of the SHA-256 of a text's UTF-8 bytes
 */
export const continuationId = (conversationId: string, sha256Hex: (text: string) => string): string => {
  const hash = sha256Hex(conversationId)
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join("-")
}
