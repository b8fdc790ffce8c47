/**
 * SandboxCall: which tool the sandbox calls, and with what input.
 *
 * Nothing is called that the user has not asked for in so many words: a command in backticks after a word such as
 * "run", a file by its absolute path after one such as "read", a search. What a client runs is then what its user
 * wrote. Only where the client forces a call is an input made up, from the tool's schema.
 */
import { Predicate } from "effect"
import type { OfferedTool, Prompt } from "./SandboxPrompt.ts"
import { exampleOf } from "./SchemaExample.ts"

export interface Call {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

/** The call that was asked for, or null. */
export const fittingCall = ({ text, tools }: Pick<Prompt, "text" | "tools">): Call | null => {
  const wish = wishOf(text)
  if (wish === null) return null
  return (
    call(tools, wish) ?? (wish.ability === file ? call(tools, { ability: command, value: `cat ${wish.value}` }) : null)
  )
}

/** The call that the client forces, or null where it forces none. */
export const forcedCall = ({ mustCall, text, tools }: Prompt): Call | null => {
  if (mustCall === null) return null
  const allowed = mustCall.kind === "any" ? tools : tools.filter(({ name }) => name === mustCall.name)
  const fitting = fittingCall({ text, tools: allowed })
  const first = allowed[0]
  if (fitting !== null || first === undefined) return fitting
  return (
    call([first], { ability: command, value: `echo "Weir sandbox"` }) ??
    call([first], { ability: search, value: queryOf(text) || "Weir sandbox" }) ?? {
      name: first.name,
      input: example(first)
    }
  )
}

/** Longest command and longest query. Characters. */
const maxCommand = 4_000
const maxQuery = 500

/** A kind of tool by the names it has in the common clients, in lower case, and the member that says what to do. */
interface Ability {
  readonly names: ReadonlySet<string>
  readonly members: ReadonlyArray<string>
}

const command: Ability = {
  names: new Set(["bash", "shell", "run_shell_command", "execute_command", "run_command", "terminal"]),
  members: ["command", "cmd"]
}
const file: Ability = {
  names: new Set(["read", "read_file", "readfile", "view", "str_replace_based_edit_tool", "str_replace_editor"]),
  members: ["file_path", "path", "filePath", "absolute_path"]
}
const search: Ability = { names: new Set(["web_search", "websearch"]), members: ["query"] }

interface Wish {
  readonly ability: Ability
  readonly value: string
}

const call = (tools: ReadonlyArray<OfferedTool>, { ability: { members, names }, value }: Wish): Call | null => {
  for (const tool of tools) {
    if (!names.has(tool.name.toLowerCase())) continue
    const properties = propertiesOf(tool)
    const member = members.find((name) => isText(properties[name]))
    if (member === undefined) continue
    const description = isText(properties["description"]) ? { description: "What the user asked the sandbox for" } : {}
    return { name: tool.name, input: { ...example(tool), ...description, [member]: value } }
  }
  return null
}

const propertiesOf = ({ schema: { properties } }: OfferedTool) =>
  Predicate.isReadonlyObject(properties) ? properties : {}

const isText = (schema: unknown): boolean => Predicate.isReadonlyObject(schema) && schema["type"] === "string"

/** The user's own words stay out of it: nobody asked for them to be written or run. */
const example = ({ schema }: OfferedTool): Readonly<Record<string, unknown>> => {
  const input = exampleOf(schema, "Weir sandbox")
  return Predicate.isReadonlyObject(input) ? input : {}
}

const wishOf = (text: string): Wish | null => {
  const code = /```(?:\w*\n)?([^`]+)```|`([^`\n]+)`/.exec(text)
  const written = (code?.[1] ?? code?.[2] ?? "").trim()
  if (code !== null && written !== "" && written.length <= maxCommand) {
    const isAll = code[0] === text && !written.startsWith("/")
    if (isAll || asks(text.slice(0, code.index), runs)) return { ability: command, value: written }
  }
  const path = /(?:^|[\s"'`(])(\/[\w.@+/-]*[\w/-])/.exec(text)
  if (path?.[1] !== undefined && asks(text.slice(0, path.index), reads)) return { ability: file, value: path[1] }
  const query = /\bsearch (?:the (?:web|internet) )?for:? ([^\n]+)/i.exec(text)?.[1]
  return query === undefined ? null : { ability: search, value: queryOf(query) }
}

const queryOf = (text: string): string => text.trim().slice(0, maxQuery).toWellFormed()

const runs = /\b(?:run|execute|launch|invoke)\b|运行|执行/i
const reads =
  /\b(?:read|open|show|view|print|cat|display|summari[sz]e|explain|look at|look into|contents? of|what is in|what's in)\b|读|查看/i
/** A sentence with one of these tells of something, or forbids it. */
const unasked = /\b(?:when|whenever|if|never|not|\w+n['’]t|(?:i|we|they) (?:run|execute|launch|read|open|print))\b/i

/** Whether the sentence that a text ends in asks for something. Of a long one, its last 200 characters. */
const asks = (before: string, verbs: RegExp): boolean => {
  const sentence =
    before
      .slice(-200)
      .split(/[.!?。！？]\s|\n\n/)
      .at(-1) ?? ""
  return verbs.test(sentence) && !unasked.test(sentence)
}
