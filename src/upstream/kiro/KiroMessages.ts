/**
 * KiroMessages: the client's messages as turns.
 *
 * Nothing that a client says is lost. What the upstream has a place for goes there; everything else becomes text where
 * it stood:
 * - a `system` message in mid-conversation stands in place on the user's side, between `<system>` tags;
 * - thinking with a signature travels as the upstream's own signed reasoning. A message has room for one, the first;
 *   any further one, and thinking that nobody signed, becomes text between `<thinking>` tags;
 * - a web search that the server ran is a call and an answer like any other. Its answer stands in the assistant's
 *   message, so the assistant's turn ends there and goes on in a new turn after it;
 * - pictures and documents inside a tool's answer move to the message around it, and the answer says so;
 * - a block of a type that is not known is sent as its JSON.
 *
 * Left out are only blocks that no model reads as text: redacted thinking beside readable reasoning, thinking whose
 * text was withheld from the client (`display: "omitted"`; its signature alone would not pass the upstream's check),
 * and kinds of thinking that are not known.
 */
import { isMarked as isMarkedBlock } from "../../message/CacheMark.ts"
import { Result } from "effect"
import type {
  ContentBlockParam,
  ToolResultBlockParam,
  ToolResultContentParam
} from "../../message/ContentBlockParam.ts"
import { isKnownBlock, isKnownResultBlock, type KnownBlock } from "../../message/KnownBlock.ts"
import type { MessageParam } from "../../message/MessagesRequest.ts"
import { type Attachments, makeAttachments } from "./KiroAttachments.ts"
import {
  callText,
  isSearchFailure,
  searchResultText,
  thinkingText,
  unknownBlockText,
  webSearchText
} from "./KiroBlockText.ts"
import { isBase64 } from "./KiroMedia.ts"
import type { RequestRefusal } from "./KiroModel.ts"
import { type AssistantTurn, assistantTurn, closeTurns, type Conversation, type Turn, userTurn } from "./KiroTurns.ts"

/** How messages are read. */
export interface ReadingOptions {
  /** Whether documents travel as documents, or have become text before. */
  readonly documents: "native" | "text"
  /** Whether signed thinking travels as signed reasoning, or as text like any other. */
  readonly reasoning: "native" | "text"
}

/** The turns of a conversation. */
export const readMessages = (
  messages: ReadonlyArray<MessageParam>,
  options: ReadingOptions
): Result.Result<Conversation, RequestRefusal> => {
  const turns: Array<Turn> = []
  const attachments = makeAttachments(options.documents)
  messages.forEach((message, index) => {
    const path = `messages.${index}.content`
    if (message.role === "assistant") readAssistant(turns, message.content, path, attachments, options)
    else readUser(turns, message, path, attachments)
    const isMarked = typeof message.content !== "string" && message.content.some(isMarkedBlock)
    const turn = turns.at(-1)
    if (turn === undefined) return
    if (isMarked) turn.isMarked = true
    if (turn.role === "user") turn.endsMarked = endsMarked(message.content)
  })
  const refusal = attachments.refusal()
  return refusal === null ? Result.succeed(closeTurns(turns)) : Result.fail(refusal)
}

const endsMarked = (content: MessageParam["content"]): boolean => {
  const last = typeof content === "string" ? undefined : content.at(-1)
  return last !== undefined && isMarkedBlock(last)
}

const readUser = (turns: Array<Turn>, message: MessageParam, path: string, attachments: Attachments): void => {
  const turn = userTurn(turns)
  const say = (text: string) => {
    if (text !== "") turn.parts.push(message.role === "system" ? `<system>\n${text}\n</system>` : text)
  }
  if (typeof message.content === "string") return say(message.content)
  message.content.forEach((block, index) => {
    if (!isKnownBlock(block)) return say(unknownBlockText(block))
    switch (block.type) {
      case "text":
        return say(block.text)
      case "image":
        return attachments.addImage(turn, block, `${path}.${index}`)
      case "document":
        return attachments.addDocument(turn, block, `${path}.${index}`).forEach(say)
      case "thinking":
        return say(thinkingText(block.thinking))
      case "redacted_thinking":
        return
      case "tool_use":
      case "server_tool_use":
        return say(callText(block))
      case "search_result":
        return say(searchResultText(block))
      case "tool_result":
        turn.parts.push({
          id: block.tool_use_id,
          text: resultText(turns, block.content, `${path}.${index}.content`, attachments),
          isError: block.is_error === true
        })
        return
      case "web_search_tool_result":
        turn.parts.push(searchAnswer(block))
        return
    }
  })
}

const readAssistant = (
  turns: Array<Turn>,
  content: MessageParam["content"],
  path: string,
  attachments: Attachments,
  options: ReadingOptions
): void => {
  // Adjacent text blocks are one text, cut for its citations; anything between them is a break.
  let adjacent = false
  const say = (text: string) => {
    if (adjacent) {
      const { parts } = assistantTurn(turns)
      parts.push(`${parts.pop()}${text}`)
    } else if (text.trim() !== "") {
      assistantTurn(turns).parts.push(text)
      adjacent = true
    }
  }
  if (typeof content === "string") return say(content)
  content.forEach((block, index) => {
    if (isKnownBlock(block) && block.type === "text") return say(block.text)
    readAssistantBlock(turns, block, `${path}.${index}`, attachments, options)
    adjacent = false
  })
}

const readAssistantBlock = (
  turns: Array<Turn>,
  block: ContentBlockParam,
  path: string,
  attachments: Attachments,
  options: ReadingOptions
): void => {
  const say = (text: string) => {
    if (text.trim() !== "") assistantTurn(turns).parts.push(text)
  }
  if (!isKnownBlock(block)) return say(unknownBlockText(block))
  switch (block.type) {
    case "text":
      return say(block.text)
    case "thinking":
      return readThinking(turns, block, options)
    case "redacted_thinking":
      if (options.reasoning === "native" && block.data !== "" && isBase64(block.data)) {
        assistantTurn(turns).reasoning ??= { redactedContent: block.data }
      }
      return
    case "tool_use":
    case "server_tool_use":
      assistantTurn(turns).parts.push({ id: block.id, name: block.name, input: block.input })
      return
    case "search_result":
      return say(searchResultText(block))
    case "web_search_tool_result":
      userTurn(turns).parts.push(searchAnswer(block))
      return
    // No client puts these into the assistant's mouth; where one does, they are the user side's after all.
    case "image":
      return attachments.addImage(userTurn(turns), block, path)
    case "document": {
      const turn = userTurn(turns)
      turn.parts.push(...attachments.addDocument(turn, block, path))
      return
    }
    case "tool_result":
      userTurn(turns).parts.push({
        id: block.tool_use_id,
        text: resultText(turns, block.content, `${path}.content`, attachments),
        isError: block.is_error === true
      })
  }
}

const readThinking = (
  turns: Array<Turn>,
  block: Extract<KnownBlock, { readonly type: "thinking" }>,
  options: ReadingOptions
): void => {
  if (block.thinking.trim() === "") return
  const turn: AssistantTurn = assistantTurn(turns)
  const signature = block.signature ?? ""
  const isFree = turn.reasoning === null || "redactedContent" in turn.reasoning
  if (options.reasoning === "native" && signature !== "" && isFree) {
    turn.reasoning = { reasoningText: { text: block.thinking, signature } }
  } else {
    turn.parts.push(thinkingText(block.thinking))
  }
}

const resultText = (
  turns: Array<Turn>,
  content: ToolResultBlockParam["content"],
  path: string,
  attachments: Attachments
): string => {
  if (content === undefined || content === null) return ""
  if (typeof content === "string") return content
  return content.flatMap((block, index) => answerLines(turns, block, `${path}.${index}`, attachments)).join("\n")
}

const answerLines = (
  turns: Array<Turn>,
  block: ToolResultContentParam,
  path: string,
  attachments: Attachments
): ReadonlyArray<string> => {
  if (!isKnownResultBlock(block)) return [unknownBlockText(block)]
  switch (block.type) {
    case "text":
      return [block.text]
    case "search_result":
      return [searchResultText(block)]
    case "image": {
      const turn = userTurn(turns)
      attachments.addImage(turn, block, path)
      return [`[image ${turn.images.length} of this message]`]
    }
    case "document":
      return attachments.addDocument(userTurn(turns), block, path, "named")
  }
}

const searchAnswer = (block: Extract<KnownBlock, { readonly type: "web_search_tool_result" }>) => ({
  id: block.tool_use_id,
  text: webSearchText(block.content),
  isError: isSearchFailure(block.content)
})
