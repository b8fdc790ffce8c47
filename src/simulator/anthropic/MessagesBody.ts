/**
 * MessagesBody: the body of a messages request after its shape was found right.
 */
import { Result } from "effect"
import { type ApiError, invalid } from "./ApiError.ts"
import { findShapeFault } from "./RequestShape.ts"
import { type JsonObject, isObject } from "./Shape.ts"

/** A content block, of a request or of an answer. Members beside `type` are as the wire has them. */
export interface Block {
  readonly type: string
  readonly [member: string]: unknown
}

export interface Message {
  readonly role: "user" | "assistant" | "system"
  readonly content?: string | ReadonlyArray<Block>
  readonly [member: string]: unknown
}

/** A tool; without a type, or with type `custom`, the client's own. */
export interface Tool {
  readonly type?: string | null
  readonly name?: string
  readonly input_schema?: JsonObject
  readonly [member: string]: unknown
}

/** The members that the simulator acts on; all others are there too. */
export interface MessagesBody {
  readonly model: string
  /** Absent where tokens are only counted. */
  readonly max_tokens?: number
  readonly messages: ReadonlyArray<Message>
  readonly system?: string | ReadonlyArray<Block>
  readonly tools?: ReadonlyArray<Tool>
  readonly tool_choice?: { readonly type: "auto" | "any" | "tool" | "none"; readonly name?: string }
  readonly thinking?: {
    readonly type: "enabled" | "adaptive" | "between_tools" | "disabled"
    readonly budget_tokens?: number
    readonly display?: string | null
  }
  readonly output_config?: { readonly format?: { readonly schema: JsonObject } | null } | null
  readonly cache_control?: CacheControl | null
  readonly stop_sequences?: ReadonlyArray<string>
  readonly stream?: boolean
  readonly temperature?: number
  readonly thread?:
    | { readonly type: "create" }
    | { readonly type: "continue"; readonly previous_message_id: string }
    | null
  readonly [member: string]: unknown
}

export interface CacheControl {
  readonly type: "ephemeral"
  readonly ttl?: "5m" | "1h"
}

/** Looks at the shape of a body, and only at that. */
export const readBody = (
  operation: "messages" | "count_tokens",
  value: unknown,
  betas: ReadonlyArray<string>
): Result.Result<MessagesBody, ApiError> => {
  const fault = findShapeFault(operation, value, betas)
  if (fault !== null) return Result.fail(invalid(fault))
  return isBody(value) ? Result.succeed(value) : Result.fail(invalid("Input should be a valid dictionary"))
}

/** What `findShapeFault` has found right is one. */
const isBody = (value: unknown): value is MessagesBody => isObject(value)

/** Content as blocks: text is one block. */
export const blocksOf = (content: string | ReadonlyArray<Block> | undefined): ReadonlyArray<Block> =>
  typeof content === "string" ? [{ type: "text", text: content }] : (content ?? [])

/** A member of a block that is text, or "". */
export const textMember = (block: Block, name: string): string => {
  const value = block[name]
  return typeof value === "string" ? value : ""
}

/** Whether a client runs this tool. */
export const isClientTool = (tool: Tool): boolean =>
  tool.type === undefined ||
  tool.type === null ||
  /^(?:custom$|bash_|text_editor_|memory_|computer_\d|(?:browser|computer)_toolset_)/.test(tool.type)

/** Whether the model is asked to think before it answers. */
export const isThinking = (body: MessagesBody): boolean =>
  body.thinking?.type === "enabled" || body.thinking?.type === "adaptive"
