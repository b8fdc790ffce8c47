import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { canonical } from "../../src/cache/CanonicalJson.ts"
import { prefixesOf } from "../../src/cache/PrefixHash.ts"
import { type MessagesRequest, validateMessagesRequest } from "../../src/message/MessagesRequest.ts"
import { estimateInput } from "../../src/message/RequestEstimate.ts"

const mark = { cache_control: { type: "ephemeral" } }
const hour = { cache_control: { type: "ephemeral", ttl: "1h" } }
const text = (text: string, more: object = {}) => ({ type: "text", text, ...more })
const messages = [{ role: "user", content: [text("hello", mark)] }]

const requestOf = (members: object): MessagesRequest =>
  Result.getOrThrow(validateMessagesRequest({ model: "claude-sonnet-4-5", max_tokens: 9, messages, ...members }))
const read = (members: object, model = "claude-sonnet-4.5") => Result.getOrThrow(prefixesOf(requestOf(members), model))
const refusal = (members: object) => Result.getOrThrow(Result.flip(prefixesOf(requestOf(members), "m")))
/** The fingerprint of all that is cached. */
const last = (members: object, model?: string) => {
  const { breakpoints, ends } = read(members, model)
  return ends[breakpoints.at(-1)?.at ?? -1]?.fingerprint ?? assert.fail("no breakpoint")
}

describe("fingerprints", () => {
  it("are those that a second program computes", () => {
    const tools = [{ name: "Read", input_schema: { type: "object", properties: { a: { type: "string" } } }, ...mark }]
    const { ends } = read({ tools, system: "You are helpful.", messages: [{ role: "user", content: "hello" }] })
    assert.deepStrictEqual(
      ends.map(({ fingerprint }) => fingerprint),
      [
        "98400fd04162751ca44adf057213c243274b56e5412789c88b2ef27c3d358740",
        "1a6f71b9340e53ad7684ebbd67dc9d271e2dfb2adca97566eb34f1ec7491a47d",
        "ae9f67be126ea4f2273023c0dea412246a96b10cb76acb99b1ef8cf5c7a183d1"
      ]
    )
  })

  it("are the same for a text and for a list of that text alone", () => {
    const asked = (content: unknown) => ({
      messages: [
        { role: "user", content },
        { role: "assistant", content: "a" },
        { role: "user", content: [text("b", mark)] }
      ]
    })
    assert.strictEqual(last(asked("hello")), last(asked([text("hello")])))
  })

  it("are the same for the usual choice of tools and for none", () => {
    const system = [text("S", mark)]
    assert.strictEqual(last({ system, tool_choice: { type: "auto" } }), last({ system }))
    const single = { type: "auto", disable_parallel_tool_use: true }
    assert.notStrictEqual(last({ system, tool_choice: single }), last({ system }))
  })

  it("leave out where caching is asked for, and no member of a schema or an input that is called so", () => {
    const tools = (property: string) => ({
      tools: [{ name: "a", input_schema: { properties: { cache_control: { description: property } } }, ...mark }]
    })
    assert.notStrictEqual(last(tools("one")), last(tools("other")))
    const calls = (value: string) => ({
      messages: [
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "t", name: "n", input: { cache_control: value }, ...mark }]
        }
      ]
    })
    assert.notStrictEqual(last(calls("one")), last(calls("other")))
  })

  it("do not depend on the order of members, nor on where breakpoints are", () => {
    const tool = { description: "d", name: "a" }
    assert.strictEqual(
      last({ tools: [{ ...tool, input_schema: { a: 1, b: 2 } }] }),
      last({ tools: [{ input_schema: { b: 2, a: 1 }, ...tool }] })
    )
    const two = (first: object) => ({ messages: [{ role: "user", content: [text("a", first), text("b", mark)] }] })
    assert.strictEqual(last(two(mark)), last(two({})))
    const nested = (inner: object) => ({
      messages: [
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "t", content: [text("x", inner)] }, text("y", mark)]
        }
      ]
    })
    assert.strictEqual(last(nested(mark)), last(nested({})))
  })

  it("differ by model, tool_choice, thinking, and by anything that stands in the prefix", () => {
    const system = [text("S", mark)]
    const all = [
      last({ system }),
      last({ system }, "claude-opus-4.5"),
      last({ system, tool_choice: { type: "any" } }),
      last({ system, thinking: { type: "adaptive" } }),
      last({ system, thinking: { type: "enabled", budget_tokens: 1_024 } }),
      last({ system, thinking: { type: "enabled", budget_tokens: 9_000 } }),
      last({ system, output_config: { effort: "low" } }),
      last({ system, model: "claude-sonnet-4-5-thinking" }),
      last({ system: [text("S"), text("", mark)] }),
      last({ system: [text("T", mark)] }),
      last({ system, tools: [{ name: "a" }] }),
      last({ system, messages: [{ role: "user", content: [text("hello!", mark)] }] })
    ]
    assert.strictEqual(new Set(all).size, all.length)
  })

  it("leave out the billing line at the beginning of the system prompt, and nothing else", () => {
    const billed = (hash: string) => [
      text(`x-anthropic-billing-header: cc_version=2.1.${hash}; cc_entrypoint=cli;`),
      text("S", mark)
    ]
    assert.strictEqual(last({ system: billed("a") }), last({ system: billed("b") }))
    const inText = (hash: string) => [text(`x-anthropic-billing-header: ${hash};\nS`, mark)]
    assert.strictEqual(last({ system: inText("a") }), last({ system: inText("b") }))
    const later = (hash: string) => [text("S"), text(`x-anthropic-billing-header: ${hash};`, mark)]
    assert.notStrictEqual(last({ system: later("a") }), last({ system: later("b") }))
    const dated = (cwd: string) => [text(`cwd: ${cwd}`, mark)]
    assert.notStrictEqual(last({ system: dated("/a") }), last({ system: dated("/b") }))
  })

  const Value = Schema.Union([
    Schema.NullOr(Schema.Literals([true, 1, "a", "\ud800"])),
    Schema.Array(Schema.Literals(["a", 2])),
    Schema.Record(Schema.String, Schema.Literals(["x", "y"]))
  ])
  it.prop("are of texts that are equal exactly where the values are", [Value, Value], ([a, b]) => {
    const strip = (value: unknown) => JSON.stringify(value)
    const sorted = (value: unknown): unknown =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .filter(([name]) => name !== "cache_control")
              .toSorted()
          )
        : value
    assert.strictEqual(canonical(a) === canonical(b), strip(sorted(a)) === strip(sorted(b)))
  })
})

describe("breakpoints", () => {
  it("are where a client marks a block, also inside of a tool's answer, and where it asks for one by itself", () => {
    const content = [text("a", mark), { type: "tool_result", tool_use_id: "t", content: [text("x", mark)] }, text("c")]
    const at = (members: object) => read(members).breakpoints.map((one) => [one.at, one.lifetime])
    const asked = { system: [text("S", hour)], messages: [{ role: "user", content }] }
    assert.deepStrictEqual(at(asked), [
      [0, "1h"],
      [1, "5m"],
      [2, "5m"]
    ])
    assert.deepStrictEqual(at({ ...asked, ...mark }).at(-1), [3, "5m"])
    assert.deepStrictEqual(at({ ...mark, messages }), [[0, "5m"]])
  })

  it("are none where nothing asks for them, and nothing is hashed", () => {
    const request = requestOf({ system: "S", messages: [{ role: "user", content: "hello" }] })
    const found = Result.getOrThrow(prefixesOf(request, "m"))
    assert.deepStrictEqual(found, { ends: [], breakpoints: [], before: 0, total: estimateInput(request) })
  })

  it("are four at most, longer lifetimes first; the client is told which one is wrong", () => {
    const five = [text("a", mark), text("b", mark), text("c", mark), text("d", mark)]
    assert.deepStrictEqual(refusal({ system: five }), {
      path: "messages.0.content.0.cache_control",
      problem: "at most 4 blocks may have cache_control"
    })
    assert.strictEqual(
      refusal({ system: [text("S", mark)], messages: [{ role: "user", content: [text("a", hour)] }] }).path,
      "messages.0.content.0.cache_control.ttl"
    )
    assert.lengthOf(read({ system: [text("S", hour)] }).breakpoints, 2)
  })

  it("count the automatic one and those inside of a block like any other", () => {
    const four = [text("a", mark), text("b", mark), text("c", mark), text("d", mark)]
    const plain = [{ role: "user", content: "hello" }]
    assert.deepStrictEqual(refusal({ ...mark, system: four, messages: plain }), {
      path: "cache_control",
      problem: "at most 4 blocks may have cache_control"
    })
    assert.strictEqual(refusal({ ...hour, system: [text("S", mark)], messages: plain }).path, "cache_control.ttl")
    assert.strictEqual(refusal({ ...hour, messages }).path, "cache_control.ttl")
    const nested = { type: "tool_result", tool_use_id: "t", content: [...four, text("e", mark)] }
    assert.strictEqual(
      refusal({ messages: [{ role: "user", content: [nested] }] }).path,
      "messages.0.content.0.content.4.cache_control"
    )
  })

  it("know the tokens before them, and together no more than the request has", () => {
    const members = {
      tools: [{ name: "a", description: "d ".repeat(200), ...mark }],
      system: [text("s ".repeat(200), mark)],
      messages: [
        { role: "user", content: [text("m ".repeat(200), mark)] },
        { role: "assistant", content: "more" }
      ]
    }
    const { ends, total } = read(members)
    const tokens = ends.map((end) => end.tokens)
    assert.deepStrictEqual(
      tokens,
      tokens.toSorted((a, b) => a - b)
    )
    assert.isAbove(tokens[0] ?? 0, 100)
    assert.strictEqual(total, estimateInput(requestOf(members)))
    assert.isAtMost(tokens.at(-1) ?? 0, total)
  })
})
