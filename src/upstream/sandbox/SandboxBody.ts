/**
 * SandboxBody: the parts of a `GenerateAssistantResponse` body that the sandbox reads, and about how many tokens it is.
 *
 * **Source:** AWS's published `codewhisperer-streaming` model.
 */
import { Schema } from "effect"
import type { ContentBlockParam } from "../../message/ContentBlockParam.ts"
import type { MessageParam } from "../../message/MessagesRequest.ts"
import { estimateInput } from "../../message/RequestEstimate.ts"

const list = <S extends Schema.Top>(item: S) => Schema.optionalKey(Schema.Array(item))
const Bytes = Schema.Struct({ bytes: Schema.String })

const ToolResult = Schema.Struct({
  toolUseId: Schema.String,
  content: Schema.Array(Schema.Struct({ text: Schema.String })),
  status: Schema.Literals(["success", "error"])
})
export type ToolResult = typeof ToolResult.Type

const Tool = Schema.Struct({
  toolSpecification: Schema.Struct({
    name: Schema.String,
    description: Schema.String,
    inputSchema: Schema.Struct({ json: Schema.Record(Schema.String, Schema.Unknown) })
  })
})

const UserMessage = Schema.Struct({
  content: Schema.String,
  images: list(Schema.Struct({ format: Schema.String, source: Bytes })),
  documents: list(Schema.Struct({ format: Schema.String, source: Bytes })),
  userInputMessageContext: Schema.optionalKey(Schema.Struct({ toolResults: list(ToolResult), tools: list(Tool) }))
})
export type UserMessage = typeof UserMessage.Type

const AssistantMessage = Schema.Struct({
  content: Schema.String,
  toolUses: list(Schema.Struct({ toolUseId: Schema.String, name: Schema.String, input: Schema.Unknown }))
})
type AssistantMessage = typeof AssistantMessage.Type

const SandboxBody = Schema.Struct({
  conversationState: Schema.Struct({
    currentMessage: Schema.Struct({ userInputMessage: UserMessage }),
    history: list(
      Schema.Union([
        Schema.Struct({ userInputMessage: UserMessage }),
        Schema.Struct({ assistantResponseMessage: AssistantMessage })
      ])
    )
  })
})
export type SandboxBody = typeof SandboxBody.Type

/** Reads a body's JSON text. */
export const decodeBody = Schema.decodeUnknownResult(Schema.fromJsonString(SandboxBody))

/** About how many tokens the whole of it is; at least 1. Signed reasoning in the history is not counted. */
export const inputTokens = ({ conversationState: { currentMessage, history } }: SandboxBody): number => {
  const current = currentMessage.userInputMessage
  const earlier = (history ?? []).map((message) =>
    "userInputMessage" in message
      ? userParam(message.userInputMessage)
      : assistantParam(message.assistantResponseMessage)
  )
  const [first, ...others] = [...earlier, userParam(current)]
  const tools = (current.userInputMessageContext?.tools ?? []).map(({ toolSpecification: tool }) => ({
    name: tool.name,
    description: tool.description,
    input_schema: tool.inputSchema.json
  }))
  return estimateInput({ model: "sandbox", messages: [first ?? userParam(current), ...others], tools })
}

const userParam = ({ content, documents, images, userInputMessageContext: context }: UserMessage): MessageParam => ({
  role: "user",
  content: [
    { type: "text", text: content },
    ...(images ?? []).map(({ format, source }): ContentBlockParam => ({
      type: "image",
      source: base64(`image/${format}`, source.bytes)
    })),
    ...(documents ?? []).map(({ format, source }): ContentBlockParam => ({
      type: "document",
      source: base64(texts.has(format) ? "text/plain" : "application/octet-stream", source.bytes)
    })),
    ...(context?.toolResults ?? []).map(({ content, toolUseId }): ContentBlockParam => ({
      type: "tool_result",
      tool_use_id: toolUseId,
      content: content.map(({ text }) => ({ type: "text", text }))
    }))
  ]
})

const assistantParam = ({ content, toolUses }: AssistantMessage): MessageParam => ({
  role: "assistant",
  content: [
    { type: "text", text: content },
    ...(toolUses ?? []).map(({ input, name, toolUseId }): ContentBlockParam => ({
      type: "tool_use",
      id: toolUseId,
      name,
      input
    }))
  ]
})

const base64 = (media_type: string, data: string) => ({ type: "base64", media_type, data }) as const

/** Formats of documents whose bytes are text. */
const texts: ReadonlySet<string> = new Set(["txt", "md", "csv", "html"])
