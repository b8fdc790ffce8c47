/**
 * BillingLine: a line that Claude Code puts before its system prompt for Anthropic's own accounting.
 *
 * It says nothing to a model and differs from request to request. It is no part of what makes two prompts equal, and an
 * upstream that is not Anthropic's does not get it: in front of everything it would keep any prompt from being cached.
 */
import type { MessagesRequest } from "./MessagesRequest.ts"

const beginning = "x-anthropic-billing-header"

/** The request without that line at the beginning of its system prompt; the very same object where there is none. */
export const withoutBillingLine = (request: MessagesRequest): MessagesRequest => {
  const { system } = request
  if (typeof system === "string") return system.startsWith(beginning) ? { ...request, system: rest(system) } : request
  const [first, ...others] = system ?? []
  if (first?.text.startsWith(beginning) !== true) return request
  const text = rest(first.text)
  return { ...request, system: text === "" ? others : [{ ...first, text }, ...others] }
}

const rest = (text: string): string => {
  const end = text.indexOf("\n")
  return end === -1 ? "" : text.slice(end + 1)
}
