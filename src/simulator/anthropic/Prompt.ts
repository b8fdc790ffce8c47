/**
 * Prompt: what was last asked, as rules and the built-in agent read it.
 */
import { type Block, blocksOf, isClientTool, type MessagesBody, textMember, type Tool } from "./MessagesBody.ts"

/** Longest text that is looked into, in characters; of a longer one, its end. */
const MAX_TEXT = 100_000

export interface Prompt {
  /** The last user text that is not blank, without what programs add in `<system-reminder>` tags. */
  readonly text: string
  /** The tools that the client runs. */
  readonly tools: ReadonlyArray<Tool>
  /** The results that the last message brings. */
  readonly results: ReadonlyArray<Block>
  /** Whether any tool has returned something so far. */
  readonly hasResults: boolean
}

/** A prompt that says nothing, as of operations other than messages. */
export const silent: Prompt = { text: "", tools: [], results: [], hasResults: false }

/** Reads the prompt of a request. */
export const readPrompt = ({ messages, tools }: MessagesBody): Prompt => {
  const asking = messages.filter(({ role }) => role === "user").map(({ content }) => blocksOf(content))
  const results = asking.map((blocks) => blocks.filter(({ type }) => type === "tool_result"))
  const texts = asking.map((blocks) =>
    blocks
      .filter(({ type }) => type === "text")
      .map((block) => spoken(textMember(block, "text")))
      .filter((each) => each !== "")
      .join("\n")
  )
  return {
    text: texts.findLast((text) => text !== "") ?? "",
    tools: (tools ?? []).filter(
      (tool) => isClientTool(tool) && tool.name !== undefined && tool["defer_loading"] !== true
    ),
    results: results.at(-1) ?? [],
    hasResults: results.some((blocks) => blocks.length > 0)
  }
}

const spoken = (text: string): string =>
  text
    .slice(-MAX_TEXT)
    .replace(/<system-reminder>.*?<\/system-reminder>/gs, "")
    .trim()
