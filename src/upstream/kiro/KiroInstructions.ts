/**
 * KiroInstructions: members of a request that the upstream has no field for, as words to the model.
 *
 * The upstream has no place for a system prompt, `thinking`, `tool_choice` or `output_config.format`. Each is said in
 * plain words, and only where the client asked for it:
 * - the system prompt opens the conversation, as a user message that the assistant has agreed to;
 * - `thinking` becomes tags before the system prompt that the upstream's models know;
 * - `tool_choice` and `output_config.format` stand before the current message. Words are obeyed, not enforced: an
 *   answer may still break them.
 */
import { asksForThinking } from "../../message/ModelName.ts"
import { type MessagesRequest, outputFormat } from "../../message/MessagesRequest.ts"

/** Thinking tokens where the client names no budget. */
export const defaultBudget = 20_000
/** Most thinking tokens that the upstream is asked for. */
export const maxBudget = 24_576

/** Whether the client asks for thinking. A model name with `-thinking` asks for it, whatever `thinking` says. */
export const wantsThinking = (request: MessagesRequest): boolean =>
  asksForThinking(request.model) ||
  (request.thinking !== undefined && request.thinking !== null && request.thinking.type !== "disabled")

/**
 * The tags that ask for thinking, or nothing. Any kind of thinking but `enabled` is the model's own choice of how
 * much, by the effort that the last message with one asks for, else the request; so is every kind for models that know
 * no other, and for those whose name alone asks and that know both.
 *
 * @param model the upstream's own name of it
 */
export const thinkingTags = (request: MessagesRequest, model: string): string => {
  if (!wantsThinking(request)) return ""
  const { thinking } = request
  const type = thinking?.type === "disabled" ? undefined : thinking?.type
  const choosesItself =
    type === undefined ? /^claude-opus-4\.[67]\b/.test(model) : type !== "enabled" || /^claude-opus-4\.7\b/.test(model)
  if (!choosesItself) {
    const budget = Math.min(maxBudget, Math.max(1, thinking?.budget_tokens ?? defaultBudget))
    return `<thinking_mode>enabled</thinking_mode><max_thinking_length>${budget}</max_thinking_length>`
  }
  return `<thinking_mode>adaptive</thinking_mode><thinking_effort>${effortOf(request)}</thinking_effort>`
}

/** How much the model should think about it: the client's word for it, `high` without one. */
export const effortOf = (request: MessagesRequest): string => {
  const said = request.messages.findLast((message) => messageEffort(message) !== null)
  const effort = (said === undefined ? null : messageEffort(said)) ?? request.output_config?.effort
  return typeof effort === "string" && /^[a-z]{1,16}$/.test(effort) ? effort : "high"
}

const messageEffort = (message: object): string | null => {
  if (!("output_config" in message)) return null
  const config = message.output_config
  return typeof config === "object" && config !== null && "effort" in config && typeof config.effort === "string"
    ? config.effort
    : null
}

/** The assistant's side of the first pair of messages. */
export const agreement = "I will follow these instructions."

/**
 * The user's side of the first pair of messages; empty where there is nothing to say.
 *
 * @param overflow what else has to be said, after the client's own text
 */
export const systemText = (request: MessagesRequest, tags: string, overflow: ReadonlyArray<string>): string => {
  const { system } = request
  const blocks = typeof system === "string" ? [system] : (system ?? []).map((block) => block.text)
  const text = [blocks.join("\n"), ...overflow].filter((part) => part.trim() !== "").join("\n\n")
  const hasTags = text.includes("<thinking_mode>") || text.includes("<max_thinking_length>")
  return [hasTags ? "" : tags, text].filter((part) => part !== "").join("\n")
}

/** What stands before the current message, or nothing. `toolName` is the chosen tool's name upstream. */
export const directives = (
  request: MessagesRequest,
  hasTools: boolean,
  toolName: string | undefined
): ReadonlyArray<string> => {
  const said: Array<string> = []
  if (hasTools) said.push(...toolChoice(request.tool_choice, toolName))
  const format = outputFormat(request)
  if (format?.type === "json_schema") {
    said.push(
      "Your final answer must be one JSON value that is valid against the following JSON Schema, and nothing else:" +
        ` no other words and no code fence.\n${JSON.stringify(format.schema ?? {})}`
    )
  }
  return said
}

const toolChoice = (choice: MessagesRequest["tool_choice"], toolName: string | undefined): ReadonlyArray<string> => {
  const single = choice?.disable_parallel_tool_use === true
  switch (choice?.type) {
    case "any":
      return [`You must call ${single ? "exactly one" : "at least one"} of the tools now, before any answer in words.`]
    case "tool":
      return toolName === undefined
        ? []
        : [
            `You must call the tool ${toolName} now${single ? ", once and no other tool" : ""}, before any answer in words.`
          ]
    case "none":
      return ["Do not call any tool now. Answer in words."]
    default:
      return single ? ["Call at most one tool now."] : []
  }
}
