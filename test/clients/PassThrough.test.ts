/** Other people's clients through the gateway to Anthropic's own API, whose simulator is as strict as the real one. */
import Anthropic, { toFile, APIError, NotFoundError, OverloadedError, RateLimitError } from "@anthropic-ai/sdk"
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod"
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod"
import { createAnthropic } from "@ai-sdk/anthropic"
import { assert, describe, it } from "@effect/vitest"
import { generateText, isStepCount, streamText, tool } from "ai"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { type AnthropicRig, type AnthropicRigOptions, makeAnthropicRig } from "../support/AnthropicRig.ts"
import { anthropicKey, clientKey } from "../support/Rig.ts"
import { home, run } from "./ClaudeProcess.ts"

const model = "claude-sonnet-4-5"

const test = (name: string, options: AnthropicRigOptions, use: (sdk: Anthropic, rig: AnthropicRig) => Promise<void>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const rig = yield* makeAnthropicRig(options)
      yield* Effect.promise(() => use(new Anthropic({ baseURL: rig.url, apiKey: clientKey, maxRetries: 0 }), rig))
    })
  )

const rejected = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("it was answered")
}

const refusedBy = (rig: AnthropicRig) => Effect.runPromise(rig.simulator.refused)

const weatherTool = (seen: Array<string>) =>
  betaZodTool({
    name: "get_weather",
    description: "The weather of a city",
    inputSchema: z.object({ city: z.string() }),
    run: ({ city }) => {
      seen.push(city)
      return Promise.resolve(`21 degrees in ${city}`)
    }
  })

const asksWeather = {
  rules: [{ match: "weather", content: [{ type: "tool_use", name: "get_weather", input: { city: "Paris" } }] }]
}

describe("@anthropic-ai/sdk, passed through", () => {
  test("reads whole messages and streams, and what they used", {}, async (sdk, rig) => {
    const request = { model, max_tokens: 100, messages: [{ role: "user" as const, content: "Hello" }] }
    const whole = await sdk.messages.create(request)
    const streamed = await sdk.messages.stream(request).finalMessage()
    assert.deepStrictEqual(
      streamed.content.map(({ type }) => type),
      ["text"]
    )
    const [first, second] = await Effect.runPromise(rig.simulator.requests).then((all) =>
      all.filter(({ usage }) => usage !== null)
    )
    assert.strictEqual(whole.usage.input_tokens, first?.usage?.["input_tokens"])
    assert.strictEqual(streamed.usage.output_tokens, second?.usage?.["output_tokens"])
    assert.include(JSON.stringify(whole.usage), `"weir":{"source":"upstream","cacheSource":"upstream"}`)
  })

  test("reads the cache's figures as the upstream counts them", {}, async (sdk) => {
    const ask = () =>
      sdk.messages.create({
        model,
        max_tokens: 100,
        system: [{ type: "text", text: "word ".repeat(8_000), cache_control: { type: "ephemeral", ttl: "1h" } }],
        messages: [{ role: "user", content: "Hello" }]
      })
    const { usage: first } = await ask()
    const { usage: second } = await ask()
    assert.isAbove(first.cache_creation_input_tokens ?? 0, 1_000)
    assert.strictEqual(first.cache_creation?.ephemeral_1h_input_tokens, first.cache_creation_input_tokens)
    assert.strictEqual(second.cache_read_input_tokens, first.cache_creation_input_tokens)
  })

  test("runs tools until the model has its answer", { script: asksWeather }, async (sdk, rig) => {
    const seen: Array<string> = []
    const last = await sdk.beta.messages.toolRunner({
      model,
      max_tokens: 1000,
      tools: [weatherTool(seen)],
      messages: [{ role: "user", content: "How is the weather?" }]
    })
    assert.deepStrictEqual(seen, ["Paris"])
    assert.include(JSON.stringify(last.content), "21 degrees in Paris")
    assert.deepStrictEqual(await refusedBy(rig), [])
  })

  test(
    "goes on with its thinking where another account has to serve",
    {
      credentials: [anthropicKey("a"), anthropicKey("b", { priority: 1 })],
      script: { rules: [{ account: "sk-ant-a", skip: 1, fail: "rate_limit" }] }
    },
    async (sdk, rig) => {
      const request = { model, max_tokens: 2000, thinking: { type: "enabled" as const, budget_tokens: 1024 } }
      const question = { role: "user" as const, content: "Plan something." }
      const first = await sdk.messages.create({ ...request, messages: [question] })
      assert.strictEqual(first.content[0]?.type, "thinking")
      const second = await sdk.messages.create({
        ...request,
        messages: [question, { role: "assistant", content: first.content }, { role: "user", content: "And then?" }]
      })
      assert.strictEqual(second.stop_reason, "end_turn")
      const refused = await refusedBy(rig)
      assert.lengthOf(refused, 1)
      assert.include(refused[0]?.refused?.message ?? "", "signature")
    }
  )

  test(
    "keeps a thread at the account that began it",
    {
      credentials: [anthropicKey("a"), anthropicKey("b")],
      config: { pool: { mode: "balanced" } },
      script: asksWeather
    },
    async (sdk, rig) => {
      const turns = [1, 2, 3].map(async (turn) => {
        const last = await sdk.beta.messages.toolRunner({
          model,
          max_tokens: 1000,
          tools: [weatherTool([])],
          messages: [{ role: "user", content: `How is the weather? ${turn}` }]
        })
        assert.include(JSON.stringify(last.content), "21 degrees in Paris")
      })
      await Promise.all(turns)
      const sent = (await Effect.runPromise(rig.simulator.requests)).filter(({ usage }) => usage !== null)
      const continued = sent.filter(({ body }) => body.includes(`"type":"continue"`))
      assert.lengthOf(continued, 3)
      assert.deepStrictEqual(await refusedBy(rig), [])
    }
  )

  test(
    "begins a thread anew where its account is gone",
    {
      credentials: [anthropicKey("a"), anthropicKey("b", { priority: 1 })],
      script: { rules: [...asksWeather.rules, { account: "sk-ant-a", skip: 1, fail: "authentication" }] }
    },
    async (sdk, rig) => {
      const seen: Array<string> = []
      const last = await sdk.beta.messages.toolRunner({
        model,
        max_tokens: 1000,
        tools: [weatherTool(seen)],
        messages: [{ role: "user", content: "How is the weather?" }]
      })
      assert.include(JSON.stringify(last.content), "21 degrees in Paris")
      assert.isNotEmpty((await Effect.runPromise(rig.simulator.requests)).filter(({ token }) => token === "sk-ant-b"))
    }
  )

  test(
    "uploads, lists, reads and deletes files, and asks about them",
    {
      credentials: [anthropicKey("a"), anthropicKey("b")],
      config: { pool: { mode: "balanced" } },
      script: { downloadable: true }
    },
    async (sdk, rig) => {
      const made = await sdk.files.upload({
        file: await toFile(Buffer.from("line\n".repeat(1000)), "a.txt", { type: "text/plain" })
      })
      const listed: Array<string> = []
      for await (const { id } of sdk.files.list()) listed.push(id)
      assert.deepStrictEqual(listed, [made.id])
      const content = await sdk.files.download(made.id)
      assert.strictEqual(await content.text(), "line\n".repeat(1000))
      const asking = [1, 2, 3, 4].map((turn) =>
        sdk.beta.messages.create({
          model,
          max_tokens: 100,
          messages: [
            {
              role: "user",
              content: [
                { type: "document", source: { type: "file", file_id: made.id } },
                { type: "text", text: `Read. ${turn}` }
              ]
            }
          ],
          betas: ["files-api-2025-04-14"]
        })
      )
      for (const { stop_reason } of await Promise.all(asking)) assert.strictEqual(stop_reason, "end_turn")
      await sdk.files.delete(made.id)
      assert.instanceOf(await rejected(sdk.files.retrieveMetadata(made.id)), NotFoundError)
      assert.deepStrictEqual(await refusedBy(rig), [])
    }
  )

  test(
    "makes batches and reads their results through the gateway",
    {
      credentials: [anthropicKey("a"), anthropicKey("b")]
    },
    async (sdk) => {
      const params = { model, max_tokens: 100, messages: [{ role: "user" as const, content: "Hello" }] }
      const batch = await sdk.messages.batches.create({
        requests: [
          { custom_id: "one", params },
          { custom_id: "two", params }
        ]
      })
      const results: Array<string> = []
      for await (const result of await sdk.messages.batches.results(batch.id)) {
        assert.strictEqual(result.result.type, "succeeded")
        results.push(result.custom_id)
      }
      assert.deepStrictEqual(results.toSorted(), ["one", "two"])
      assert.instanceOf(await rejected(sdk.messages.batches.retrieve("msgbatch_unknown")), NotFoundError)
      await sdk.messages.batches.delete(batch.id)
      assert.instanceOf(await rejected(sdk.messages.batches.retrieve(batch.id)), NotFoundError)
    }
  )

  test(
    "parses structured output",
    {
      script: { rules: [{ content: [{ type: "text", text: JSON.stringify({ city: "Paris" }) }] }] }
    },
    async (sdk) => {
      const parsed = await sdk.messages.parse({
        model,
        max_tokens: 1000,
        messages: [{ role: "user", content: "Where?" }],
        output_config: { format: zodOutputFormat(z.object({ city: z.string() })) }
      })
      assert.deepStrictEqual(parsed.parsed_output, { city: "Paris" })
    }
  )

  test("lists the upstream's models in its own words, and counts as it counts", {}, async (sdk) => {
    const ids: Array<string> = []
    for await (const info of sdk.models.list({ limit: 2 })) ids.push(info.id)
    assert.include(ids, "claude-sonnet-4-5-20250929")
    const info = await sdk.models.retrieve("claude-sonnet-4-5-20250929")
    assert.strictEqual(info.display_name, "Claude Sonnet 4.5")
    assert.isNotNull(info.capabilities)
    const messages = [{ role: "user" as const, content: "Hello there" }]
    const counted = await sdk.messages.countTokens({ model, messages })
    const { usage } = await sdk.messages.create({ model, messages, max_tokens: 10 })
    assert.strictEqual(counted.input_tokens, usage.input_tokens)
  })

  test(
    "throws its own class for each error",
    {
      script: {
        rules: [
          { match: "busy", fail: "overloaded" },
          { match: "limit", fail: "rate_limit" }
        ]
      }
    },
    async (sdk) => {
      const ask = (content: string, more: object = {}) =>
        sdk.messages.create({ model, max_tokens: 10, messages: [{ role: "user", content }], ...more })
      assert.instanceOf(await rejected(ask("busy")), OverloadedError)
      assert.instanceOf(await rejected(ask("Hi", { model: "claude-nothing-9" })), NotFoundError)
      const refused = await rejected(ask("Hi", { of_the_future: true }))
      assert(refused instanceof APIError)
      assert.strictEqual(refused.status, 400)
      assert.include(refused.message, "of_the_future: Extra inputs are not permitted")
      assert.instanceOf(await rejected(ask("limit")), RateLimitError)
    }
  )

  test("throws for a stream that broke off", { script: { rules: [{ cut: { events: 4 } }] } }, async (sdk) => {
    const stream = sdk.messages.stream({
      model,
      max_tokens: 100,
      messages: [{ role: "user", content: "Hello there, you" }]
    })
    assert.instanceOf(await rejected(stream.finalMessage()), APIError)
  })
})

describe("ai with @ai-sdk/anthropic, passed through", () => {
  const through = (name: string, script: AnthropicRigOptions["script"], use: (rig: AnthropicRig) => Promise<void>) =>
    it.live(name, () =>
      Effect.flatMap(makeAnthropicRig(script === undefined ? {} : { script }), (rig) => Effect.promise(() => use(rig)))
    )
  const modelOf = (rig: AnthropicRig) => createAnthropic({ baseURL: `${rig.url}/v1`, apiKey: clientKey })(model)

  through(
    "streams a text",
    { rules: [{ content: [{ type: "text", text: "one two three" }], chunk: 3 }] },
    async (rig) => {
      const pieces: Array<string> = []
      for await (const piece of streamText({ model: modelOf(rig), prompt: "Count", maxRetries: 0 }).textStream)
        pieces.push(piece)
      assert.strictEqual(pieces.join(""), "one two three")
      assert.isAbove(pieces.length, 1)
    }
  )

  through("calls tools in several steps", asksWeather, async (rig) => {
    const { steps, text } = await generateText({
      model: modelOf(rig),
      prompt: "How is the weather?",
      tools: {
        get_weather: tool({
          description: "The weather of a city",
          inputSchema: z.object({ city: z.string() }),
          execute: ({ city }) => Promise.resolve({ city, degrees: 21 })
        })
      },
      stopWhen: isStepCount(3),
      maxRetries: 0
    })
    assert.lengthOf(steps, 2)
    assert.include(text, "21")
    assert.deepStrictEqual(await refusedBy(rig), [])
  })
})

describe("Claude Code, passed through", () => {
  it.live("reads a file by Bash and prints what only the file knew, while an account fails", () =>
    Effect.gen(function* () {
      const rig = yield* makeAnthropicRig({
        credentials: [anthropicKey("a"), anthropicKey("b", { priority: 1 })],
        script: {
          rules: [
            { account: "sk-ant-a", skip: 1, fail: "internal" },
            {
              match: "nonce.txt",
              content: [
                { type: "tool_use", name: "Bash", input: { command: "cat nonce.txt", description: "Reads it" } }
              ]
            }
          ]
        }
      })
      const folder = yield* home
      const nonce = randomUUID()
      yield* Effect.promise(() => writeFile(join(folder, "nonce.txt"), nonce))
      const prompt = "Use Bash to run `cat nonce.txt` and tell me what it printed."
      const ran = yield* run(rig, folder, [prompt, "--allowedTools", "Bash"], { ANTHROPIC_API_KEY: clientKey })
      assert.strictEqual(ran.code, 0, ran.stdout + ran.stderr)
      assert.include(ran.stdout, nonce, ran.stderr)
      const served = (yield* rig.simulator.requests).filter(({ usage }) => usage !== null)
      assert.deepStrictEqual(
        served.map(({ token }) => token),
        ["sk-ant-a", "sk-ant-b"]
      )
    })
  )
})
