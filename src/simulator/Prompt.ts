/**
 * Prompt: what the user last asked, as rules and the built-in agent read it.
 */
import type { ChatMessage, ToolResult, UserInputMessage } from "./KiroShape.ts"
import type { ValidRequest } from "./KiroValidation.ts"

/** Longest text that is looked into, in characters; of a longer one, its end. */
const MAX_TEXT = 100_000

export interface Prompt {
  /** The last user text that is not blank, without what programs add in `<system-reminder>` tags. */
  readonly text: string
  /** Names of the tools on offer. */
  readonly tools: ReadonlyArray<string>
  /** What the tools returned that were called last; empty: no tool was. */
  readonly results: ReadonlyArray<ToolResult>
}

/** Reads the prompt of a request. A message that only brings tool results is looked past for the text. */
export const readPrompt = ({ current, request }: ValidRequest): Prompt => {
  const results = current.userInputMessageContext?.toolResults ?? []
  const tools = (current.userInputMessageContext?.tools ?? []).flatMap((tool) =>
    "toolSpecification" in tool ? [tool.toolSpecification.name] : []
  )
  const earlier = results.length === 0 ? [] : (request.conversationState.history ?? []).toReversed()
  return { text: firstText([current, ...earlier.flatMap(askingUser)]), tools, results }
}

/** User messages that ask, not those that answer a tool call. */
const askingUser = (message: ChatMessage): ReadonlyArray<UserInputMessage> =>
  "userInputMessage" in message && (message.userInputMessage.userInputMessageContext?.toolResults ?? []).length === 0
    ? [message.userInputMessage]
    : []

const firstText = (messages: ReadonlyArray<UserInputMessage>): string => {
  const [current, ...earlier] = messages
  const candidates = earlier.length === 0 ? [current] : earlier
  for (const message of candidates) {
    const text = asked(message?.content ?? "")
    if (text !== "") return text
  }
  return asked(current?.content ?? "")
}

const asked = (content: string): string =>
  content
    .slice(-MAX_TEXT)
    .replace(/<system-reminder>.*?<\/system-reminder>/gs, "")
    .trim()
