import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { prefixesOf } from "../../src/cache/PrefixHash.ts"
import { type MessagesRequest, validateMessagesRequest } from "../../src/message/MessagesRequest.ts"

const turns = 200
const sentence = "The quick brown fox jumps over the lazy dog. "
const mark = { cache_control: { type: "ephemeral" } }

/** An agent's conversation of 200 messages and about so many bytes. */
const requestOf = (bytes: number): MessagesRequest => {
  const text = sentence.repeat(Math.ceil(bytes / turns / sentence.length))
  const messages = Array.from({ length: turns }, (_, n) => ({
    role: n % 2 === 0 ? "user" : "assistant",
    content: [
      n % 4 === 0
        ? { type: "tool_result", tool_use_id: `t${n}`, content: [{ type: "text", text }] }
        : { type: "text", text, ...(n === turns - 1 ? mark : {}) }
    ]
  }))
  const system = [{ type: "text", text: "You are helpful.", ...mark }]
  return Result.getOrThrow(validateMessagesRequest({ model: "m", max_tokens: 1, system, messages }))
}

/** Milliseconds of the quietest of several runs. */
const cost = (bytes: number): number => {
  const request = requestOf(bytes)
  let least = Infinity
  for (let n = 0; n < 30; n++) {
    const began = performance.now()
    prefixesOf(request, "m")
    least = Math.min(least, performance.now() - began)
  }
  return least
}

describe("planning a request", () => {
  it("of 400 KB and 200 messages takes less than 5 ms, and is linear in bytes", () => {
    cost(40_000)
    const [small, middle, large] = [cost(40_000), cost(400_000), cost(4_000_000)]
    const said = `${[small, middle, large].map((ms) => ms.toFixed(2)).join(", ")} ms`
    assert.isBelow(middle, 5, said)
    assert.isBelow(large, middle * 20, said)
    assert.isBelow(middle, small * 20, said)
  })
})
