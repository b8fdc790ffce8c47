/**
 * BuiltInAgent: what the simulator answers where no script says otherwise.
 *
 * It quotes what was asked. Asked for a command in backticks, or for a file by its absolute path, it calls the tool that
 * is offered for that; asked to search the web, `web_search`. With a tool's result it says what the tool returned.
 */
import type { ToolResult } from "./KiroShape.ts"
import type { Prompt } from "./Prompt.ts"
import type { Step } from "./Script.ts"

/** Longest quotation, in characters. */
const MAX_QUOTED = 20_000

/** The answer to a prompt. */
export const answer = (prompt: Prompt): ReadonlyArray<Step> => {
  if (prompt.results.length > 0) return [{ text: prompt.results.map(report).join("\n"), chunk: 16 }]
  return callTool(prompt) ?? [{ text: `You said: ${prompt.text.slice(0, MAX_QUOTED)}`, chunk: 16 }]
}

const report = (result: ToolResult): string => {
  const text = result.content.map((part) => ("text" in part ? part.text : JSON.stringify(part.json))).join("\n")
  return `The tool ${result.status === "error" ? "failed" : "returned"}: ${text.slice(0, MAX_QUOTED)}`
}

const callTool = ({ text, tools }: Prompt): ReadonlyArray<Step> | null => {
  const path = /(?:^|[\s"'`(])(\/[\w.@+/-]*[\w/-])/.exec(text)?.[1]
  const command = /```(?:\w*\n)?(.+?)```/s.exec(text)?.[1] ?? /`([^`]+)`/.exec(text)?.[1]
  const query = /\bsearch (?:the web )?for:? (.+)/i.exec(text)?.[1]
  if (tools.includes("web_search") && query !== undefined) return [{ tool: "web_search", input: { query } }]
  if (tools.includes("Bash") && command !== undefined) return runs(command.trim())
  if (path === undefined) return null
  if (tools.includes("Read") && !/\bBash\b/.test(text)) return [{ tool: "Read", input: { file_path: path }, chunk: 8 }]
  return tools.includes("Bash") ? runs(`cat ${path}`) : null
}

const runs = (command: string): ReadonlyArray<Step> => [
  { text: "I will run that.", chunk: 8 },
  { tool: "Bash", input: { command, description: "Run the command that was asked for" }, chunk: 8 }
]
