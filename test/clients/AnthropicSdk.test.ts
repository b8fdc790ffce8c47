/** Anthropic's own SDK as the judge of what the gateway answers. */
import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  RateLimitError
} from "@anthropic-ai/sdk"
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod"
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { z } from "zod"
import { clientKey, makeRig, type Rig, type RigOptions } from "../support/Rig.ts"

const client = (rig: Rig, more: { readonly apiKey?: string } = {}) =>
  new Anthropic({ baseURL: rig.url, apiKey: clientKey, maxRetries: 0, ...more })

const test = (name: string, options: RigOptions, run: (sdk: Anthropic, rig: Rig) => Promise<void>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const rig = yield* makeRig(options)
      yield* Effect.promise(() => run(client(rig), rig))
    })
  )

const model = "claude-sonnet-4-5"
const sim = (steps: ReadonlyArray<unknown>) => [{ role: "user" as const, content: `!sim ${JSON.stringify(steps)}` }]
const rejected = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("it was answered")
}

describe("@anthropic-ai/sdk", () => {
  test("reads a whole message", {}, async (sdk) => {
    const message = await sdk.messages.create({ model, max_tokens: 100, messages: sim([{ text: "Hello" }]) })
    const [text] = message.content
    assert(text?.type === "text")
    assert.strictEqual(text.text, "Hello")
    assert.strictEqual(message.stop_reason, "end_turn")
    assert.isAbove(message.usage.input_tokens, 0)
    assert.match(message._request_id ?? "", /^req_/)
  })

  test("adds a stream up to the message it says it is", {}, async (sdk) => {
    const steps = [
      { thinking: "Let me think.", chunk: 3 },
      { text: "Zwölf Boxkämpfer 🥊 jagen", chunk: 2 },
      { tool: "get_weather", input: { city: "Paris", days: [1, 2] }, chunk: 4 }
    ]
    const stream = sdk.messages.stream({
      model,
      max_tokens: 2000,
      thinking: { type: "enabled", budget_tokens: 1024 },
      tools: [{ name: "get_weather", input_schema: { type: "object" } }],
      messages: sim(steps)
    })
    const texts: Array<string> = []
    stream.on("text", (delta) => texts.push(delta))
    const message = await stream.finalMessage()
    const [thinking, text, tool] = message.content
    assert(thinking?.type === "thinking" && text?.type === "text" && tool?.type === "tool_use")
    assert.strictEqual(thinking.thinking, "Let me think.")
    assert.isNotEmpty(thinking.signature)
    assert.strictEqual(text.text, "Zwölf Boxkämpfer 🥊 jagen")
    assert.strictEqual(texts.join(""), text.text)
    assert.deepStrictEqual(tool.input, { city: "Paris", days: [1, 2] })
    assert.strictEqual(message.stop_reason, "tool_use")
    assert.isAbove(message.usage.output_tokens, 0)
  })

  test("replays signed thinking, which the upstream checks", {}, async (sdk) => {
    const request = { model, max_tokens: 2000, thinking: { type: "enabled" as const, budget_tokens: 1024 } }
    const first = await sdk.messages.create({
      ...request,
      messages: sim([{ thinking: "Secret plan." }, { text: "Yes." }])
    })
    const second = await sdk.messages.create({
      ...request,
      messages: [...sim([]), { role: "assistant", content: first.content }, { role: "user", content: "And then?" }]
    })
    assert.strictEqual(second.stop_reason, "end_turn")
  })

  test("runs tools until the model has its answer", {}, async (sdk, rig) => {
    const seen: Array<string> = []
    const weather = betaZodTool({
      name: "get_weather",
      description: "The weather of a city",
      inputSchema: z.object({ city: z.string() }),
      run: ({ city }) => {
        seen.push(city)
        return Promise.resolve(`21 degrees in ${city}`)
      }
    })
    const last = await sdk.beta.messages.toolRunner({
      model,
      max_tokens: 1000,
      tools: [weather],
      messages: sim([{ tool: "get_weather", input: { city: "Paris" } }])
    })
    assert.deepStrictEqual(seen, ["Paris"])
    const text = last.content[0]
    assert(text?.type === "text")
    assert.include(text.text, "21 degrees in Paris")
    assert.deepStrictEqual(await Effect.runPromise(rig.simulator.refused), [])
  })

  test("parses an answer that was asked for as JSON", {}, async (sdk) => {
    const parsed = await sdk.messages.parse({
      model,
      max_tokens: 1000,
      messages: sim([{ text: JSON.stringify({ city: "Paris", degrees: 21 }) }]),
      output_config: { format: zodOutputFormat(z.object({ city: z.string(), degrees: z.number() })) }
    })
    assert.deepStrictEqual(parsed.parsed_output, { city: "Paris", degrees: 21 })
  })

  test("counts tokens and lists models", {}, async (sdk) => {
    const counted = await sdk.messages.countTokens({ model, messages: [{ role: "user", content: "Hello there" }] })
    assert.isAtLeast(counted.input_tokens, 2)
    const ids: Array<string> = []
    for await (const info of sdk.models.list({ limit: 2 })) ids.push(info.id)
    assert.include(ids, model)
    assert.strictEqual(new Set(ids).size, ids.length)
    assert.strictEqual((await sdk.models.retrieve(model)).id, model)
  })

  test("aborts, and the upstream is let go", {}, async (sdk, rig) => {
    const stream = sdk.messages.stream({ model, max_tokens: 100, messages: sim([{ text: "Hello" }, { stall: true }]) })
    stream.on("text", () => stream.abort())
    assert.instanceOf(await rejected(stream.done()), APIUserAbortError)
    const gone = Effect.map(rig.simulator.openStreams, (open) => open === 0).pipe(
      Effect.filterOrFail(
        (is) => is,
        () => "open"
      ),
      Effect.retry(Schedule.spaced("5 millis").pipe(Schedule.upTo({ duration: "1 second" })))
    )
    await Effect.runPromise(gone)
  })

  test(
    "throws its own class for each error",
    { script: { rules: [{ match: "busy", fail: "rate_limit" }] } },
    async (sdk, rig) => {
      const ask = (content: string, more: object = {}) =>
        sdk.messages.create({ model, max_tokens: 10, messages: [{ role: "user", content }], ...more })
      const limited = await rejected(ask("busy"))
      assert.instanceOf(limited, RateLimitError)
      assert(limited instanceof APIError)
      assert.isAtLeast(Number(limited.headers?.get("retry-after")), 1)
      assert.match(limited.requestID ?? "", /^req_/)
      assert.instanceOf(await rejected(ask("Hi", { max_tokens: 0 })), BadRequestError)
      const stranger = client(rig, { apiKey: "wrong" })
      assert.instanceOf(
        await rejected(stranger.messages.create({ model, max_tokens: 10, messages: sim([]) })),
        AuthenticationError
      )
    }
  )

  test("throws for a stream that broke off", {}, async (sdk) => {
    const stream = sdk.messages.stream({
      model,
      max_tokens: 100,
      messages: sim([{ text: "Half an" }, { delay: 1 }, { cut: true }])
    })
    assert.instanceOf(await rejected(stream.finalMessage()), APIError)
  })

  test("reads a web search and its results", {}, async (sdk) => {
    const message = await sdk.messages.create({
      model,
      max_tokens: 1000,
      tools: [
        { type: "web_search_20250305", name: "web_search", max_uses: 3 },
        { name: "other", input_schema: { type: "object" } }
      ],
      messages: [{ role: "user", content: "search the web for: effect typescript" }]
    })
    const types = message.content.map(({ type }) => type)
    assert.includeMembers(types, ["server_tool_use", "web_search_tool_result", "text"])
    const result = message.content.find((block) => block.type === "web_search_tool_result")
    const use = message.content.find((block) => block.type === "server_tool_use")
    assert.strictEqual(result?.tool_use_id, use?.id)
    assert.strictEqual(message.usage.server_tool_use?.web_search_requests, 1)
  })
})
