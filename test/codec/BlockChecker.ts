/**
 * BlockChecker: says what is wrong with a sequence of content events, by the rules a client relies on.
 *
 * Written apart from the assembler, from the published order of events alone.
 */
import type { ContentBlock, ContentDelta, ContentEvent } from "../../src/message/MessageEvent.ts"

const allowed: Readonly<Record<ContentBlock["type"], ReadonlyArray<ContentDelta["type"]>>> = {
  text: ["text_delta"],
  thinking: ["thinking_delta", "signature_delta"],
  redacted_thinking: [],
  tool_use: ["input_json_delta"],
  server_tool_use: ["input_json_delta"],
  web_search_tool_result: []
}

export const problemsOf = (events: ReadonlyArray<ContentEvent>): ReadonlyArray<string> => {
  const problems: Array<string> = []
  let next = 0
  let open: ContentBlock | null = null
  let signed = false
  for (const event of events) {
    if (event.type === "content_block_start") {
      if (open !== null) problems.push(`block ${event.index} starts inside another`)
      if (event.index !== next) problems.push(`block ${event.index} where ${next} was expected`)
      open = event.content_block
      signed = false
      if (open.type === "text" && open.text !== "") problems.push("a text block starts with text")
      if (open.type === "thinking" && open.thinking + open.signature !== "")
        problems.push("a thinking block starts filled")
      if ("input" in open && JSON.stringify(open.input) !== "{}") problems.push("a call starts with an input")
      continue
    }
    if (open === null) {
      problems.push(`${event.type} outside any block`)
      continue
    }
    if (event.index !== next) problems.push(`${event.type} of block ${event.index} inside block ${next}`)
    if (event.type === "content_block_stop") {
      open = null
      next++
      continue
    }
    if (!allowed[open.type].includes(event.delta.type)) problems.push(`${event.delta.type} in a ${open.type} block`)
    if (signed) problems.push("a delta behind a signature")
    signed = event.delta.type === "signature_delta"
    if (Object.values(event.delta).includes("")) problems.push("an empty delta")
  }
  if (open !== null) problems.push("the last block is not stopped")
  return problems
}
