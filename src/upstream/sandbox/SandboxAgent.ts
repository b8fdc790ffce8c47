/**
 * SandboxAgent: what the sandbox answers. Pure: the same prompt, the same answer.
 *
 * Its first sentence says what it is. It quotes what was asked, calls a tool where that was asked for, and tells what
 * the tool returned; where a JSON value is wanted it gives one that fits. Thinking it shows only where it is wanted,
 * and never with a signature: there is nobody who could sign it.
 */
import { sha256Hex } from "../../message/Sha256.ts"
import { type Call, fittingCall, forcedCall } from "./SandboxCall.ts"
import type { Prompt } from "./SandboxPrompt.ts"
import { exampleOf } from "./SchemaExample.ts"

export interface Answer {
  /** Empty for none. */
  readonly thinking: string
  /** Empty for none. */
  readonly text: string
  readonly call: (Call & { readonly id: string }) | null
}

/** Longest quotation of what was asked or of what one tool returned. Characters. */
export const maxQuoted = 4_000
/** Most tool results that are told of. */
const maxReported = 16
/** Longest quotation inside a JSON value. Characters. */
const maxTitle = 48

const introduction = "This is Weir's sandbox: no model has read this."

export const answerTo = (prompt: Prompt): Answer => {
  const { mustCall, results, schema, text, wantsThinking } = prompt
  const thinking = wantsThinking ? "The sandbox does not think. It answers by a few fixed rules." : ""
  const forced = forcedCall(prompt)
  if (forced !== null) return { thinking, text: "", call: identified(forced, prompt) }
  const called = results.length === 0 && mustCall === null ? fittingCall(prompt) : null
  if (called !== null)
    return {
      thinking,
      text: `${introduction} You asked for a call of ${called.name}.`,
      call: identified(called, prompt)
    }
  if (schema !== null) {
    const title = `Weir sandbox: ${cut(text.split("\n", 1)[0] ?? "", maxTitle)}`
    return { thinking, text: JSON.stringify(exampleOf(schema.json, title)) ?? "null", call: null }
  }
  return { thinking, text: results.length > 0 ? report(prompt) : quote(prompt), call: null }
}

const quote = ({ text, tools }: Prompt): string =>
  [
    introduction,
    text === "" ? "Nothing was said." : `You said:\n\n${cut(text, maxQuoted)}`,
    ...(tools.length === 0
      ? []
      : ["Ask it to run a command in backticks, or to read a file by its full path, to see a tool call."])
  ].join("\n\n")

const report = ({ results }: Prompt): string =>
  [
    introduction,
    ...results.slice(0, maxReported).map(({ content, status }) => {
      const text = content.map((part) => part.text).join("\n")
      return `The tool ${status === "error" ? "failed" : "returned"}:\n\n${cut(text, maxQuoted)}`
    }),
    ...(results.length > maxReported ? [`There are ${results.length - maxReported} more results.`] : [])
  ].join("\n\n")

/** The id depends on the place in the conversation, so that the same call made twice has two. */
const identified = (call: Call, { position, text }: Prompt): Answer["call"] => ({
  ...call,
  id: `tooluse_${sha256Hex(JSON.stringify([position, text, call])).slice(0, 24)}`
})

/** A text without its end where it is too long, and without half a character there. */
const cut = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const isHalf = (text.charCodeAt(limit - 1) & 0xfc00) === 0xd800
  return `${text.slice(0, isHalf ? limit - 1 : limit)}…`
}
