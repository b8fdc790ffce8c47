/**
 * AnthropicThinking: a conversation without the thinking that may be left out of it. Pure.
 *
 * A signature is good at the account and the model that made it. Where another one refuses it, the thinking of turns that
 * are over may be left out; that of a turn whose tools are still running may not, while thinking is on.
 *
 * **Source:** Anthropic API, extended thinking: preserving thinking blocks.
 */
import type { MessageParam, MessagesRequest } from "../../message/MessagesRequest.ts"

/** The messages, or null where nothing may be left out. */
export const withoutThinking = ({
  messages,
  thinking
}: Pick<MessagesRequest, "messages" | "thinking">): ReadonlyArray<MessageParam> | null => {
  const isThinking = thinking != null && thinking.type !== "disabled"
  const running = isThinking ? runningFrom(messages) : messages.length
  let isChanged = false
  const rest = messages.map((message, index) => {
    if (message.role !== "assistant" || index >= running || typeof message.content === "string") return message
    const content = message.content.filter(({ type }) => type !== "thinking" && type !== "redacted_thinking")
    // A turn of nothing but thinking cannot be left empty.
    if (content.length === message.content.length || content.length === 0) return message
    isChanged = true
    return { ...message, content }
  })
  return isChanged ? rest : null
}

/** Where the turn begins whose tools are still running: behind the last message that a person wrote. */
const runningFrom = (messages: ReadonlyArray<MessageParam>): number => {
  const last = messages.findLastIndex(({ content, role }) => role === "user" && !isResult(content))
  return last === messages.length - 1 ? messages.length : last + 1
}

const isResult = (content: MessageParam["content"]): boolean =>
  typeof content !== "string" && content.some(({ type }) => type === "tool_result")
