/**
 * ConversationRules: who speaks when, and that every tool call is answered at once and nothing else is.
 *
 * **Source:** behaviour of `GenerateAssistantResponse` as observed by public Kiro clients; `ValidationException` reasons
 * of AWS's published model.
 */
import { type AwsError, improper } from "./AwsError.ts"
import type { AssistantResponseMessage, ChatMessage, KiroRequest, UserInputMessage } from "./KiroShape.ts"

/** The first rule of conversation that a request breaks, or null. */
export const findConversationFault = (
  request: KiroRequest,
  proves: (signature: string, text: string) => boolean
): AwsError | null => {
  const { currentMessage, history } = request.conversationState
  const messages = [...(history ?? []), currentMessage]
  for (const [index, message] of messages.entries()) {
    const fault = findTurnFault(message, messages[index - 1], index, proves)
    if (fault !== null) return fault
  }
  return null
}

const findTurnFault = (
  message: ChatMessage,
  before: ChatMessage | undefined,
  index: number,
  proves: (signature: string, text: string) => boolean
): AwsError | null => {
  const isUser = "userInputMessage" in message
  if (isUser !== (index % 2 === 0)) return improper(`messages must alternate, user first; message ${index} does not`)
  if (!isUser) return findAssistantFault(message.assistantResponseMessage, index, proves)
  const asked = before !== undefined && "assistantResponseMessage" in before ? before.assistantResponseMessage : null
  return findUserFault(message.userInputMessage, asked, index)
}

const findAssistantFault = (
  message: AssistantResponseMessage,
  index: number,
  proves: (signature: string, text: string) => boolean
): AwsError | null => {
  if (message.content === "") return improper(`assistant content of message ${index} is empty`)
  const uses = message.toolUses ?? []
  const ids = uses.map((use) => use.toolUseId)
  if (ids.some((id) => id === "") || new Set(ids).size !== ids.length) {
    return improper(`tool use ids of message ${index} are empty or not unique`, "TOOL_USE_RESULT_MISMATCH")
  }
  if (uses.some((use) => typeof use.input !== "object" || use.input === null || Array.isArray(use.input))) {
    return improper(`a tool use of message ${index} has an input that is no object`)
  }
  const reasoning = message.reasoningContent
  if (reasoning === undefined || reasoning === null || !("reasoningText" in reasoning)) return null
  const { signature, text } = reasoning.reasoningText
  return signature === undefined || signature === null || proves(signature, text)
    ? null
    : improper(`the signature of message ${index} does not prove its thinking`, "THINKING_SIGNATURE_INVALID")
}

const findUserFault = (
  message: UserInputMessage,
  asked: AssistantResponseMessage | null,
  index: number
): AwsError | null => {
  const results = message.userInputMessageContext?.toolResults ?? []
  const answered = results.map((result) => result.toolUseId)
  const wanted = asked?.toolUses?.map((use) => use.toolUseId) ?? []
  if (new Set(answered).size !== answered.length || !sameMembers(answered, wanted)) {
    return improper(
      `message ${index} answers [${answered.join(", ")}] where [${wanted.join(", ")}] were asked`,
      "TOOL_USE_RESULT_MISMATCH"
    )
  }
  const attachments = (message.images?.length ?? 0) + (message.documents?.length ?? 0)
  return message.content === "" && results.length === 0 && attachments === 0
    ? improper(`user message ${index} is empty`)
    : null
}

const sameMembers = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): boolean =>
  some.length === others.length && some.every((member) => others.includes(member))
