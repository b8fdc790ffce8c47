/**
 * KiroTools: the tools of a request as the upstream takes them.
 *
 * - a description may have 10,000 characters; what is longer is continued in the system prompt, which `overflow` is for;
 * - a tool without a description is described by its name, because an empty description is refused;
 * - a tool that earlier calls mention and the request no longer lists gets a placeholder, because the upstream refuses
 *   a call of a tool it has no definition of;
 * - `strict`, `defer_loading` and the like have no counterpart.
 */
import { Predicate, Result } from "effect"
import { markOf } from "../../message/CacheMark.ts"
import type { MessagesRequest } from "../../message/MessagesRequest.ts"
import type { KiroTool, RequestRefusal } from "./KiroModel.ts"
import type { ToolNames } from "./KiroToolNames.ts"
import { type InputSchema, normaliseSchema, openSchema } from "./KiroToolSchema.ts"
import { typedTool } from "./KiroTypedTools.ts"

/** The tools that a request offers. */
export interface OfferedTools {
  readonly tools: ReadonlyArray<KiroTool>
  /** Places of those up to which the client asks for the prompt to be cached. */
  readonly marked: ReadonlySet<number>
  /** Names upstream of the tools that the gateway runs. */
  readonly serverTools: ReadonlySet<string>
  /** The ends of descriptions that are too long. */
  readonly overflow: ReadonlyArray<string>
}

/**
 * @param names gets a name for each tool offered
 * @param webSearch whether the gateway runs web searches; otherwise they are not offered
 */
export const offeredTools = (
  tools: MessagesRequest["tools"],
  names: ToolNames,
  webSearch: boolean
): Result.Result<OfferedTools, RequestRefusal> => {
  const offered: Array<KiroTool> = []
  const serverTools = new Set<string>()
  const overflow: Array<string> = []
  const marked = new Set<number>()
  for (const [index, tool] of (tools ?? []).entries()) {
    if (tool.name === undefined) continue
    const definition = definitionOf(tool)
    if (definition === null || (definition.isServerTool && !webSearch)) {
      // What is not offered is cached up to with the tool before it.
      if (markOf(tool) !== null && offered.length > 0) marked.add(offered.length - 1)
      continue
    }
    if (names.sentName(tool.name) !== undefined) {
      return Result.fail({ path: `tools.${index}.name`, message: "tool names must be unique" })
    }
    const name = names.define(tool.name)
    if (definition.isServerTool) serverTools.add(name)
    if (markOf(tool) !== null) marked.add(offered.length)
    const { shown, rest } = splitDescription(definition.description)
    if (rest !== "") overflow.push(`[description of the tool ${name}, continued]\n${rest}`)
    offered.push(kiroTool(name, shown === "" ? tool.name : shown, definition.schema))
  }
  return Result.succeed({ tools: offered, marked, serverTools, overflow })
}

/** Definitions of tools that only earlier calls mention. */
export const placeholderTools = (names: ToolNames): ReadonlyArray<KiroTool> =>
  names
    .undefinedNames()
    .map((name) =>
      kiroTool(name, "Used earlier in this conversation and no longer available: do not call it.", openSchema)
    )

/** Longest description of a tool. Characters. */
export const maxDescription = 10_000

type NamedTool = Extract<NonNullable<MessagesRequest["tools"]>[number], { readonly name: string }>

const definitionOf = (
  tool: NamedTool
): { readonly description: string; readonly schema: InputSchema; readonly isServerTool: boolean } | null => {
  const { type, input_schema } = tool
  const isOwn = type === undefined || type === null || type === "custom"
  // A type of tomorrow that brings its own schema is as good as a custom tool.
  if (isOwn || Predicate.isReadonlyObject(input_schema)) {
    return { description: tool.description ?? "", schema: normaliseSchema(input_schema), isServerTool: false }
  }
  return typedTool(type, tool)
}

const kiroTool = (name: string, description: string, schema: InputSchema): KiroTool => ({
  toolSpecification: { name, description, inputSchema: { json: schema } }
})

const continued = " (Continued in the system prompt.)"

const splitDescription = (description: string): { readonly shown: string; readonly rest: string } => {
  if (description.trim() === "") return { shown: "", rest: "" }
  if (description.length <= maxDescription) return { shown: description, rest: "" }
  const limit = maxDescription - continued.length
  const isHighSurrogate = (description.charCodeAt(limit - 1) & 0xfc00) === 0xd800
  const cut = isHighSurrogate ? limit - 1 : limit
  return { shown: description.slice(0, cut) + continued, rest: description.slice(cut) }
}
