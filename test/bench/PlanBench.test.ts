import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { prefixesOf } from "../../src/cache/PrefixHash.ts"
import { type MessagesRequest, validateMessagesRequest } from "../../src/message/MessagesRequest.ts"

const turns = 200
const sentence = "The quick brown fox jumps over the lazy dog. "
const mark = { cache_control: { type: "ephemeral" } }

/** What a tool is called with: about so many bytes of small objects. */
const inputOf = (bytes: number) => ({
  edits: Array.from({ length: Math.ceil(bytes / 95) }, (_, n) => ({
    path: `src/file_${n}.ts`,
    line: n,
    insert: true,
    range: { start: n, end: n + 1 },
    text: "const a = 1"
  }))
})

const contents = {
  text: (bytes: number, n: number) => {
    const text = sentence.repeat(Math.ceil(bytes / sentence.length))
    return n % 4 === 0
      ? { type: "tool_result", tool_use_id: `t${n}`, content: [{ type: "text", text }] }
      : { type: "text", text }
  },
  "calls of tools": (bytes: number, n: number) => ({
    type: "tool_use",
    id: `t${n}`,
    name: "Edit",
    input: inputOf(bytes)
  })
}

/** An agent's conversation of 200 messages and about so many bytes. */
const requestOf = (content: (bytes: number, n: number) => object, bytes: number): MessagesRequest => {
  const messages = Array.from({ length: turns }, (_, n) => ({
    role: n % 2 === 0 ? "user" : "assistant",
    content: [{ ...content(bytes / turns, n), ...(n === turns - 1 ? mark : {}) }]
  }))
  const system = [{ type: "text", text: "You are helpful.", ...mark }]
  return Result.getOrThrow(validateMessagesRequest({ model: "m", max_tokens: 1, system, messages }))
}

/** Milliseconds of the quietest of several runs. */
const cost = (content: (bytes: number, n: number) => object, bytes: number): number => {
  const request = requestOf(content, bytes)
  let least = Infinity
  for (let n = 0; n < 30; n++) {
    const began = performance.now()
    prefixesOf(request, "m")
    least = Math.min(least, performance.now() - began)
  }
  return least
}

describe("planning a request", () => {
  for (const [name, content] of Object.entries(contents)) {
    const limit = name === "text" ? 5 : 10
    it(`of 400 KB and 200 messages takes less than ${limit} ms, and is linear in bytes: ${name}`, () => {
      cost(content, 40_000)
      const [small, middle, large] = [cost(content, 40_000), cost(content, 400_000), cost(content, 4_000_000)]
      const said = `${[small, middle, large].map((ms) => ms.toFixed(2)).join(", ")} ms`
      assert.isBelow(middle, limit, said)
      assert.isBelow(large, middle * 20, said)
      assert.isBelow(middle, small * 20, said)
    })
  }
})
