/**
 * BuiltInAgent: what the simulator answers where no script says otherwise.
 *
 * It calls the first tool of the client's once, with an input that its schema takes, and then says what the tool
 * returned; without tools it quotes what was asked. Asked for JSON, it gives some that the schema takes. It thinks first
 * where thinking is on.
 */
import { type Block, isThinking, type MessagesBody } from "./MessagesBody.ts"
import { countTokens } from "./PromptBlocks.ts"
import type { Prompt } from "./Prompt.ts"
import { isObject, type JsonObject } from "./Shape.ts"

/** Longest quotation, in characters. */
const MAX_QUOTED = 2_000
/** Depth to which an example of a schema is made. */
const MAX_DEPTH = 8

/** An answer before it has an id. */
export interface Answer {
  readonly content: ReadonlyArray<Block>
  readonly stopReason: string | null
  readonly stopSequence: string | null
}

/** The answer to a request. */
export const answer = (body: MessagesBody, prompt: Prompt): Answer => {
  const thought: ReadonlyArray<Block> = isThinking(body) ? [{ type: "thinking", thinking: "Let me think." }] : []
  const call = chooseTool(body, prompt)
  return call === null
    ? finish(body, thought, speak(body, prompt))
    : { content: [...thought, call], stopReason: "tool_use", stopSequence: null }
}

const chooseTool = ({ tool_choice }: MessagesBody, { hasResults, tools }: Prompt): Block | null => {
  const isForced = tool_choice?.type === "any" || tool_choice?.type === "tool"
  if (tool_choice?.type === "none" || (hasResults && !isForced)) return null
  const tool = tool_choice?.type === "tool" ? tools.find(({ name }) => name === tool_choice.name) : tools[0]
  return tool === undefined
    ? null
    : { type: "tool_use", name: tool.name, input: tool.input_schema === undefined ? {} : exampleOf(tool.input_schema) }
}

const speak = ({ output_config }: MessagesBody, { results, text }: Prompt): string => {
  const format = output_config?.format
  if (format !== undefined && format !== null) return JSON.stringify(exampleOf(format.schema))
  const said = results.map(({ content }) => (typeof content === "string" ? content : JSON.stringify(content ?? "")))
  return results.length === 0
    ? `You said: ${text.slice(0, MAX_QUOTED)}`.trimEnd()
    : `The tool returned: ${said.join("\n").slice(0, MAX_QUOTED)}`
}

const finish = (body: MessagesBody, thought: ReadonlyArray<Block>, text: string): Answer => {
  const found = (body.stop_sequences ?? []).map((sequence) => ({ sequence, at: text.indexOf(sequence) }))
  const first = found.filter(({ at }) => at !== -1).toSorted((a, b) => a.at - b.at)[0]
  const whole = first === undefined ? text : text.slice(0, first.at)
  const room = body.max_tokens ?? Number.POSITIVE_INFINITY
  const isCut = countTokens(whole) > room
  const said = isCut ? whole.slice(0, room * 2) : whole
  const content = said === "" ? thought : [...thought, { type: "text", text: said }]
  if (isCut) return { content, stopReason: "max_tokens", stopSequence: null }
  return first === undefined
    ? { content, stopReason: "end_turn", stopSequence: null }
    : { content, stopReason: "stop_sequence", stopSequence: first.sequence }
}

/** Something that a JSON schema takes, as far as its plain members say. */
export const exampleOf = (schema: JsonObject, depth = 0): unknown => {
  const { const: fixed, enum: choices, type } = schema
  if (fixed !== undefined) return fixed
  if (Array.isArray(choices) && choices.length > 0) return choices[0]
  const variants = [schema["anyOf"], schema["oneOf"], schema["allOf"]].find(Array.isArray)
  const variant: unknown = variants?.[0]
  if (isObject(variant) && depth < MAX_DEPTH) return exampleOf(variant, depth + 1)
  switch (Array.isArray(type) ? type[0] : type) {
    case "string":
      return "example"
    case "integer":
    case "number":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : 1
    case "boolean":
      return true
    case "null":
      return null
    case "array":
      return exampleItems(schema, depth)
    default:
      return exampleMembers(schema, depth)
  }
}

const exampleItems = ({ items, minItems }: JsonObject, depth: number): ReadonlyArray<unknown> =>
  typeof minItems === "number" && minItems > 0 && isObject(items) && depth < MAX_DEPTH
    ? Array.from({ length: Math.min(minItems, 10) }, () => exampleOf(items, depth + 1))
    : []

const exampleMembers = ({ properties, required }: JsonObject, depth: number): JsonObject => {
  const needed: ReadonlyArray<unknown> = Array.isArray(required) ? required : []
  if (!isObject(properties) || depth >= MAX_DEPTH) return {}
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, member]) =>
      needed.includes(name) && isObject(member) ? [[name, exampleOf(member, depth + 1)]] : []
    )
  )
}
