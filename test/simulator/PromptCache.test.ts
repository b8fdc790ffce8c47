import { assert, describe, it } from "@effect/vitest"
import type { ChatMessage, ConversationState } from "@aws/codewhisperer-streaming-client"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { KiroSimulator, type Simulator } from "../../src/simulator/KiroSimulator.ts"
import { ask } from "./AwsClient.ts"

const simulator = KiroSimulator.make({ script: { rules: [{ steps: [{ text: "ok" }] }] } })
const point = { type: "default" } as const
/** Over the minimum of claude-sonnet-4.5, 1,024 tokens of four bytes. */
const LONG = "long ".repeat(1_000)
const SHORT = "short ".repeat(100)

const user = (content: string, cached = false): ChatMessage.UserInputMessageMember => ({
  userInputMessage: { content, origin: "AI_EDITOR", ...(cached ? { cachePoint: point } : {}) }
})
const assistant = (content: string): ChatMessage => ({ assistantResponseMessage: { content } })
const conversation = (
  current: ChatMessage.UserInputMessageMember,
  history: Array<ChatMessage> = [],
  modelId = "claude-sonnet-4.5"
): ConversationState => ({
  chatTriggerType: "MANUAL",
  history,
  currentMessage: { userInputMessage: { ...current.userInputMessage, modelId } }
})

const usage = Effect.fnUntraced(function* (server: Simulator, state: ConversationState, token?: string) {
  const heard = yield* ask(server, state, token)
  const reported = heard.events.at(-1)?.metadataEvent?.tokenUsage
  const {
    cacheReadInputTokens: read = 0,
    cacheWriteInputTokens: write = 0,
    outputTokens = 0,
    totalTokens,
    uncachedInputTokens: rest = 0
  } = reported ?? {}
  assert.strictEqual(totalTokens, rest + read + write + outputTokens)
  assert.strictEqual(reported?.contextUsagePercentage, ((totalTokens ?? 0) / 200_000) * 100)
  return { read, write, rest }
})

describe("the prompt cache", () => {
  it.effect("is written by the first call and read by the second", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const state = conversation(user("question"), [user(LONG, true), assistant("yes")])
      const first = yield* usage(server, state)
      const second = yield* usage(server, state)
      assert.deepStrictEqual([first.read, first.write > 1_024], [0, true])
      assert.deepStrictEqual(second, { read: first.write, write: 0, rest: first.rest })
    })
  )

  it.effect("is not touched without cache points", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const state = conversation(user("question"), [user(LONG), assistant("yes")])
      yield* usage(server, state)
      const { read, write } = yield* usage(server, state)
      assert.deepStrictEqual([read, write], [0, 0])
    })
  )

  it.effect("grows with a conversation: what is read is what was there, what is written the rest", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const first = yield* usage(server, conversation(user(LONG, true)))
      const second = yield* usage(server, conversation(user(SHORT, true), [user(LONG), assistant("yes")]))
      assert.strictEqual(second.read, first.write)
      assert.isAbove(second.write, 0)
      assert.strictEqual(second.rest, 0)
    })
  )

  it.effect("is each account's own", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const state = conversation(user(LONG, true))
      const first = yield* usage(server, state, "token-1")
      assert.deepStrictEqual(yield* usage(server, state, "token-2"), first)
      assert.strictEqual((yield* usage(server, state, "token-1")).read, first.write)
    })
  )

  it.effect("is each model's own", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const first = yield* usage(server, conversation(user(LONG, true)))
      const other = yield* usage(server, conversation(user(LONG, true), [], "claude-sonnet-4"))
      assert.deepStrictEqual(other, first)
    })
  )

  it.effect("does not hold what is shorter than the model's minimum", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const short = conversation(user(SHORT, true))
      assert.strictEqual((yield* usage(server, short)).write, 0)
      assert.strictEqual((yield* usage(server, short)).read, 0)
    })
  )

  it.effect("is missed when anything before the point has changed", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      yield* usage(server, conversation(user("q"), [user(LONG, true), assistant("yes")]))
      const changed = yield* usage(server, conversation(user("q"), [user(`${LONG}.`, true), assistant("yes")]))
      assert.strictEqual(changed.read, 0)
      assert.isAbove(changed.write, 0)
    })
  )

  it.effect("holds tools before everything else, whatever the order of their members", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const offering = (properties: Record<string, { readonly type: string }>) => ({
        tools: [
          {
            toolSpecification: { name: "A", description: LONG, inputSchema: { json: { type: "object", properties } } }
          },
          { cachePoint: point }
        ]
      })
      const asking = (content: string, properties: Record<string, { readonly type: string }>): ConversationState => ({
        chatTriggerType: "MANUAL",
        currentMessage: {
          userInputMessage: { content, modelId: "claude-sonnet-4.5", userInputMessageContext: offering(properties) }
        }
      })
      const first = yield* usage(server, asking("one", { a: { type: "string" }, b: { type: "string" } }))
      const second = yield* usage(server, asking("two", { b: { type: "string" }, a: { type: "string" } }))
      assert.strictEqual(second.read, first.write)
      assert.isAbove(second.read, 1_024)
    })
  )

  it.effect("forgets after five minutes, counted from the last reading", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const state = conversation(user(LONG, true))
      const { write } = yield* usage(server, state)
      yield* TestClock.adjust(Duration.minutes(4))
      assert.strictEqual((yield* usage(server, state)).read, write)
      yield* TestClock.adjust(Duration.minutes(4))
      assert.strictEqual((yield* usage(server, state)).read, write)
      yield* TestClock.adjust(Duration.minutes(5))
      assert.deepStrictEqual(yield* usage(server, state), { read: 0, write, rest: 0 })
    })
  )

  it.effect("is not written by a call that failed", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const state = conversation(user(LONG, true))
      yield* server.setScript({ rules: [{ fail: "model_capacity", times: 1 }] })
      yield* ask(server, state)
      assert.strictEqual((yield* usage(server, state)).read, 0)
    })
  )

  it.effect("looks back no further than the twenty blocks that end with a point", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const turns = (count: number): Array<ChatMessage> =>
        Array.from({ length: count }, (_, n) => (n % 2 === 0 ? assistant(`a${n}`) : user(`u${n}`)))
      const first = yield* usage(server, conversation(user(LONG, true)))
      const near = yield* usage(server, conversation(user("near", true), [user(LONG), ...turns(17)]))
      assert.strictEqual(near.read, first.write)
      const fresh = yield* simulator
      yield* usage(fresh, conversation(user(LONG, true)))
      const far = yield* usage(fresh, conversation(user("far", true), [user(LONG), ...turns(19)]))
      assert.strictEqual(far.read, 0)
    })
  )
})
