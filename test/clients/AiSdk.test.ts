/** Vercel's AI SDK with its Anthropic provider, a client of other hands and habits. */
import { createAnthropic } from "@ai-sdk/anthropic"
import { assert, describe, it } from "@effect/vitest"
import { generateObject, generateText, isStepCount, streamText, tool } from "ai"
import { Effect } from "effect"
import { z } from "zod"
import { clientKey, makeRig, type Rig } from "../support/Rig.ts"

const test = (name: string, run: (model: ReturnType<ReturnType<typeof createAnthropic>>, rig: Rig) => Promise<void>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const provider = createAnthropic({ baseURL: `${rig.url}/v1`, apiKey: clientKey })
      yield* Effect.promise(() => run(provider("claude-sonnet-4-5"), rig))
    })
  )

const sim = (steps: ReadonlyArray<unknown>) => `!sim ${JSON.stringify(steps)}`

describe("ai with @ai-sdk/anthropic", () => {
  test("generates a text", async (model) => {
    const { finishReason, text, usage } = await generateText({ model, prompt: sim([{ text: "Hello" }]), maxRetries: 0 })
    assert.strictEqual(text, "Hello")
    assert.strictEqual(finishReason, "stop")
    assert.isAbove(usage.inputTokens ?? 0, 0)
  })

  test("streams a text", async (model) => {
    const { textStream } = streamText({ model, prompt: sim([{ text: "one two three", chunk: 3 }]), maxRetries: 0 })
    const pieces: Array<string> = []
    for await (const piece of textStream) pieces.push(piece)
    assert.strictEqual(pieces.join(""), "one two three")
    assert.isAbove(pieces.length, 1)
  })

  test("calls tools in several steps", async (model, rig) => {
    const { steps, text } = await generateText({
      model,
      prompt: sim([{ tool: "weather", input: { city: "Paris" } }]),
      tools: {
        weather: tool({
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
    assert.deepStrictEqual(await Effect.runPromise(rig.simulator.refused), [])
  })

  test("generates an object of a schema", async (model) => {
    const { object } = await generateObject({
      model,
      schema: z.object({ city: z.string() }),
      prompt: sim([{ text: JSON.stringify({ city: "Paris" }) }]),
      maxRetries: 0
    })
    assert.deepStrictEqual(object, { city: "Paris" })
  })
})
