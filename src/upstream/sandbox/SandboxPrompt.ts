/**
 * SandboxPrompt: what was asked, as the sandbox's agent reads it.
 *
 * Weir says in words what the wire has no field for (see `KiroInstructions`); these words are read back here and taken
 * off what the user said.
 */
import { Option, Schema } from "effect"
import { agreement } from "../kiro/KiroInstructions.ts"
import type { SandboxBody, ToolResult, UserMessage } from "./SandboxBody.ts"

export interface Prompt {
  /** The last words of the user that are not blank, without what programs add in tags. */
  readonly text: string
  /** Tools that may be called now. */
  readonly tools: ReadonlyArray<OfferedTool>
  /** What the tools returned that were called last; empty: none was. */
  readonly results: ReadonlyArray<ToolResult>
  /** Must a tool be called now, and which: `any` of them, or the one of this name. */
  readonly mustCall: { readonly kind: "any" } | { readonly kind: "tool"; readonly name: string } | null
  /** The JSON Schema that the answer has to fit, or null where words are wanted. */
  readonly schema: { readonly json: unknown } | null
  readonly wantsThinking: boolean
  /** How many messages came before. */
  readonly position: number
}

export interface OfferedTool {
  readonly name: string
  /** JSON Schema of its input. */
  readonly schema: Readonly<Record<string, unknown>>
}

/** Longest text that is looked into. Characters; of a longer one, its end. */
const maxText = 100_000

export const readPrompt = ({ conversationState: { currentMessage, history = [] } }: SandboxBody): Prompt => {
  const current = currentMessage.userInputMessage
  const context = current.userInputMessageContext ?? {}
  const results = context.toolResults ?? []
  const system = systemOf(history)
  const asking = [
    current,
    ...history
      .slice(system === null ? 0 : 2)
      .toReversed()
      .flatMap((message) => ("userInputMessage" in message ? [message.userInputMessage] : []))
      .filter(({ userInputMessageContext: earlier }) => (earlier?.toolResults ?? []).length === 0)
  ]
  const directives = readDirectives(current.content)
  // After a search that the gateway ran, the message that was current before still says how to answer.
  const standing = current.content === "" ? readDirectives(asking[1]?.content ?? "") : directives
  return {
    text: firstText(asking),
    tools: directives.mayCall ? (context.tools ?? []).flatMap(callable) : [],
    results,
    mustCall: directives.mustCall,
    schema: standing.schema,
    wantsThinking: system?.includes("<thinking_mode>") === true,
    position: history.length
  }
}

type History = NonNullable<SandboxBody["conversationState"]["history"]>

/** The system prompt, or null where the conversation opens without one. */
const systemOf = ([first, second]: History): string | null =>
  first !== undefined &&
  second !== undefined &&
  "userInputMessage" in first &&
  "assistantResponseMessage" in second &&
  second.assistantResponseMessage.content === agreement
    ? first.userInputMessage.content
    : null

type Tool = NonNullable<NonNullable<UserMessage["userInputMessageContext"]>["tools"]>[number]

const callable = ({ toolSpecification: { description, inputSchema, name } }: Tool): ReadonlyArray<OfferedTool> =>
  description.startsWith(unavailable) ? [] : [{ name, schema: inputSchema.json }]

const firstText = (messages: ReadonlyArray<UserMessage>): string => {
  for (const { content } of messages) {
    const text = withoutTagged(withoutTagged(readDirectives(content).rest.slice(-maxText), "system-reminder"), "system")
    if (text.trim() !== "" && !text.startsWith(goOn)) return text.trim()
  }
  return ""
}

/** Weir's own words: to go on after a prefill, and about tools that only earlier calls mention. */
const goOn = "Continue exactly where your last message ends"
const unavailable = "Used earlier in this conversation and no longer available"

interface Directives {
  readonly mayCall: boolean
  readonly mustCall: Prompt["mustCall"]
  readonly schema: Prompt["schema"]
  /** What the user said. */
  readonly rest: string
}

const choicePattern =
  /^(?:You must call (?:exactly one of the tools|at least one of the tools|the tool ([\w-]+)) now\b[^\n]*|(Do not call any tool) now\.[^\n]*|Call at most one tool now\.)(?:\n\n|$)/
const formatPattern =
  /^Your final answer must be one JSON value that is valid against the following JSON Schema.*\n(.+)(?:\n\n|$)/

const readDirectives = (content: string): Directives => {
  const choice = choicePattern.exec(content)
  const afterChoice = content.slice(choice?.[0].length ?? 0)
  const format = formatPattern.exec(afterChoice)
  const schema = format === null ? Option.none() : parseJson(format[1])
  const name = choice?.[1]
  return {
    mayCall: choice?.[2] === undefined,
    mustCall:
      name !== undefined
        ? { kind: "tool", name }
        : choice?.[0].startsWith("You must call") === true
          ? { kind: "any" }
          : null,
    schema: Option.isSome(schema) ? { json: schema.value } : null,
    rest: afterChoice.slice(format?.[0].length ?? 0)
  }
}

const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** A text without the parts between a tag's beginning and its next end, in one pass. */
const withoutTagged = (text: string, tag: string): string => {
  const [opening, closing] = [`<${tag}>`, `</${tag}>`]
  let kept = ""
  let from = 0
  for (;;) {
    const start = text.indexOf(opening, from)
    const end = start < 0 ? -1 : text.indexOf(closing, start)
    if (end < 0) return kept + text.slice(from)
    kept += text.slice(from, start)
    from = end + closing.length
  }
}
