import { assert, describe, it } from "@effect/vitest"
import { GenerateAssistantResponseCommand, InvokeMCPCommand } from "@aws/codewhisperer-streaming-client"
import { Effect, Fiber } from "effect"
import { connect } from "node:net"
import { KiroSimulator } from "../../src/simulator/KiroSimulator.ts"
import { generate } from "./ByHand.ts"
import { ask, makeClient, saying, scripted, searchFor, textOf } from "./AwsClient.ts"

const simulator = KiroSimulator.make()

describe("an answer, as AWS's client hears it", () => {
  it.effect("brings the built-in agent's text, the conversation and the usage", () =>
    Effect.gen(function* () {
      const heard = yield* ask(yield* simulator, saying("hello there"))
      assert.isNull(heard.thrown)
      assert.strictEqual(textOf(heard), "You said: hello there")
      assert.strictEqual(heard.conversationId, "0b4445e1-f5be-49e1-87ce-62bbc28ad705")
      const usage = heard.events.at(-1)?.metadataEvent?.tokenUsage
      assert.isAbove(usage?.uncachedInputTokens ?? 0, 0)
      assert.strictEqual(usage?.totalTokens, (usage?.uncachedInputTokens ?? 0) + (usage?.outputTokens ?? 0))
      assert.isTrue(heard.events.some((event) => event.meteringEvent?.unit === "credit"))
      assert.isTrue(
        heard.events.some((event) => event.contextUsageEvent?.contextUsagePercentage === usage?.contextUsagePercentage)
      )
    })
  )

  it.effect("brings text in the pieces that the script asks for, never cutting a character", () =>
    Effect.gen(function* () {
      const heard = yield* ask(yield* simulator, scripted([{ text: "a😀bc", chunk: 2, modelId: "claude-opus-4.8" }]))
      const pieces = heard.events.flatMap((event) => event.assistantResponseEvent ?? [])
      assert.deepStrictEqual(pieces, [
        { content: "a😀", modelId: "claude-opus-4.8" },
        { content: "bc", modelId: "claude-opus-4.8" }
      ])
    })
  )

  it.effect("brings the same events however the writes are cut or joined", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      for (const step of [{ split: 1 }, { split: 7 }, { batch: 3 }, { batch: 1000 }]) {
        const heard = yield* ask(server, scripted([step, { text: "grüß dich", chunk: 1 }]))
        assert.strictEqual(textOf(heard), "grüß dich")
        assert.isDefined(heard.events.at(-1)?.metadataEvent)
      }
    })
  )

  it.effect("brings a tool call in fragments that add up to its input", () =>
    Effect.gen(function* () {
      const input = { command: "ls -l", nested: { list: [1, 2] } }
      const heard = yield* ask(yield* simulator, scripted([{ tool: "Bash", id: "tooluse_1", input, chunk: 3 }]))
      const calls = heard.events.flatMap((event) => event.toolUseEvent ?? [])
      assert.isTrue(calls.every((call) => call.name === "Bash" && call.toolUseId === "tooluse_1"))
      assert.deepStrictEqual(JSON.parse(calls.map((call) => call.input ?? "").join("")), input)
      assert.isUndefined(calls[0]?.input)
      assert.isTrue(calls.at(-1)?.stop)
    })
  )

  it.effect("leaves a tool call open when the script says so", () =>
    Effect.gen(function* () {
      const heard = yield* ask(yield* simulator, scripted([{ tool: "Bash", input: '{"comm', stop: false }]))
      const calls = heard.events.flatMap((event) => event.toolUseEvent ?? [])
      assert.strictEqual(calls.map((call) => call.input ?? "").join(""), '{"comm')
      assert.isFalse(calls.some((call) => call.stop))
    })
  )

  it.effect("brings reasoning as text, signature and redacted bytes", () =>
    Effect.gen(function* () {
      const steps = [
        { thinking: "hm, well", signature: "c2ln", chunk: 4 },
        { redacted: "AAEC" },
        { signature: "bGF0ZQ==" }
      ]
      const heard = yield* ask(yield* simulator, scripted(steps))
      const reasoning = heard.events.flatMap((event) => event.reasoningContentEvent ?? [])
      assert.deepStrictEqual(
        reasoning.map(({ redactedContent, signature, text }) => text ?? signature ?? [...(redactedContent ?? [])]),
        ["hm, ", "well", "c2ln", [0, 1, 2], "bGF0ZQ=="]
      )
    })
  )

  it.effect("finds something where AWS's client searches the web", () =>
    Effect.gen(function* () {
      const answer = yield* searchFor(yield* simulator, "cats")
      assert.include(JSON.stringify(answer.result), "cats")
      assert.isUndefined(answer.error)
    })
  )

  it.effect("puts tagged thinking into the text", () =>
    Effect.gen(function* () {
      const heard = yield* ask(yield* simulator, scripted([{ tagged: "hm" }, { text: "done" }]))
      assert.strictEqual(textOf(heard), "<thinking>hm</thinking>\n\ndone")
    })
  )

  it.effect("brings exactly the usage that the script gives, and none after an early end", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const given = {
        uncachedInputTokens: 7,
        cacheReadInputTokens: 5,
        cacheWriteInputTokens: 3,
        outputTokens: 2,
        totalTokens: 17
      }
      const exact = yield* ask(server, scripted([{ text: "x" }, { metadataEvent: given }]))
      assert.deepInclude(exact.events.at(-1)?.metadataEvent?.tokenUsage, given)
      assert.isFalse(exact.events.some((event) => event.meteringEvent !== undefined))
      const share = yield* ask(server, scripted([{ text: "x" }, { contextUsageEvent: 12.5 }, { meteringEvent: 0.25 }]))
      assert.deepStrictEqual(share.events.slice(1), [
        { contextUsageEvent: { contextUsagePercentage: 12.5 } },
        { meteringEvent: { usage: 0.25, unit: "credit", unitPlural: "credits" } }
      ])
      const none = yield* ask(server, scripted([{ text: "x" }, { end: true }]))
      assert.deepStrictEqual(none.events, [{ assistantResponseEvent: { content: "x" } }])
    })
  )

  it.effect("can put the usage at the root of an event, where AWS's client passes over it", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const conversationState = scripted([{ text: "x" }, { tokenUsageEvent: { outputTokens: 9 } }])
      assert.deepStrictEqual((yield* ask(server, conversationState)).events, [
        { assistantResponseEvent: { content: "x" } }
      ])
      const { text } = yield* generate(server, { conversationState })
      assert.match(text, /tokenUsageEvent.*"outputTokens":9/s)
    })
  )

  it.effect("answers a web search and lists its tool", () =>
    Effect.gen(function* () {
      const client = yield* makeClient(yield* simulator, "token-1")
      const search = new InvokeMCPCommand({
        id: "1",
        jsonrpc: "2.0",
        method: "tools/call",
        params: { name: "web_search", arguments: { query: "weirs" } }
      })
      const found = yield* Effect.promise(() => client.send(search))
      assert.strictEqual(found.id, "1")
      assert.match(JSON.stringify(found.result), /Result 1 for weirs/)
      const listed = yield* Effect.promise(() => client.send(new InvokeMCPCommand({ id: "2", method: "tools/list" })))
      assert.match(JSON.stringify(listed.result), /web_search/)
    })
  )
})

describe("a failure, as AWS's client hears it", () => {
  const modelled = [
    ["input_too_long", "ValidationException", undefined, 400],
    ["content_length", "ValidationException", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", 400],
    ["suspended", "AccessDeniedException", "TEMPORARILY_SUSPENDED", 403],
    ["monthly_quota", "ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT", 402],
    ["overage", "ServiceQuotaExceededException", "OVERAGE_REQUEST_LIMIT_EXCEEDED", 402],
    ["model_capacity", "ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY", 429],
    ["suspicious_activity", "ThrottlingException", undefined, 429],
    ["model_unavailable", "InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE", 500],
    ["high_load", "InternalServerException", undefined, 500],
    ["unavailable", "ServiceUnavailableException", undefined, 503],
    ["conflict", "ConflictException", "CUSTOMER_KMS_KEY_DISABLED", 409],
    ["not_found", "ResourceNotFoundException", undefined, 404]
  ] as const
  for (const [preset, name, reason, status] of modelled) {
    it.effect(`is ${name} for ${preset}`, () =>
      Effect.gen(function* () {
        const { thrown } = yield* ask(yield* simulator, scripted([{ fail: preset }]))
        assert.deepInclude(thrown, { name, reason, status })
      })
    )
  }

  it.effect("mid-stream is the modelled exception after the text that came before", () =>
    Effect.gen(function* () {
      const steps = [
        { text: "so far" },
        { exception: "error", message: "lost", reason: "MODEL_TEMPORARILY_UNAVAILABLE" }
      ]
      const heard = yield* ask(yield* simulator, scripted(steps))
      assert.strictEqual(textOf(heard), "so far")
      assert.deepInclude(heard.thrown, {
        name: "InternalServerException",
        message: "lost",
        reason: "MODEL_TEMPORARILY_UNAVAILABLE"
      })
    })
  )

  it.effect("mid-stream is the exception's own name where the model has none for it", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const named = yield* ask(server, scripted([{ text: "x" }, { exception: "ContentLengthExceededException" }]))
      assert.strictEqual(named.thrown?.name, "ContentLengthExceededException")
      const preset = yield* ask(server, scripted([{ text: "x" }, { fail: "model_capacity" }]))
      assert.strictEqual(preset.thrown?.name, "ThrottlingException")
      assert.include(preset.thrown?.message ?? "", "INSUFFICIENT_MODEL_CAPACITY")
    })
  )

  it.effect("in an error frame is its code and message", () =>
    Effect.gen(function* () {
      const { thrown } = yield* ask(
        yield* simulator,
        scripted([{ text: "x" }, { error: "InternalFailure", message: "gone" }])
      )
      assert.deepInclude(thrown, { name: "InternalFailure", message: "gone" })
    })
  )

  it.effect("of the state is an event of its own", () =>
    Effect.gen(function* () {
      const heard = yield* ask(yield* simulator, scripted([{ invalidState: "no plan" }]))
      assert.strictEqual(heard.events[0]?.invalidStateEvent?.message, "no plan")
    })
  )

  for (const corrupt of ["prelude", "length", "headers", "payload", "crc"] as const) {
    it.effect(`is an error for a frame with a wrong ${corrupt}`, () =>
      Effect.gen(function* () {
        const heard = yield* ask(yield* simulator, scripted([{ text: "x" }, { corrupt }]))
        assert.strictEqual(textOf(heard), "x")
        assert.match(heard.thrown?.message ?? "", /checksum|Truncated/)
      })
    )
  }

  for (const [what, step] of [
    ["cut between frames", { cut: true }],
    ["cut inside a frame", { cut: "inFrame" }],
    ["ended inside a frame", { truncate: true }]
  ] as const) {
    it.effect(`is an error for a stream ${what}, after what came before`, () =>
      Effect.gen(function* () {
        const heard = yield* ask(yield* simulator, scripted([{ text: "x" }, step]))
        assert.strictEqual(textOf(heard), "x")
        assert.isNotNull(heard.thrown)
      })
    )
  }

  it.effect("is a lost connection for a socket that closes before the headers", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const { thrown } = yield* ask(server, scripted([{ fail: "network" }]))
      assert.match(thrown?.message ?? "", /socket hang up|ECONNRESET/)
      assert.deepInclude((yield* server.requests).at(-1), { status: null, ending: "cut" })
    })
  )
})

describe("a client that goes away or is slow", () => {
  it.effect("ends a stalled answer, and the gauge falls", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const client = yield* makeClient(server, "token-1")
      const conversationState = scripted([{ text: "x" }, { stall: true }])
      // The call is given up where its scope closes.
      yield* Effect.scoped(
        Effect.gen(function* () {
          const abortSignal = yield* Effect.abortSignal
          const first = yield* Effect.promise(async () => {
            const command = new GenerateAssistantResponseCommand({ conversationState })
            const response = await client.send(command, { abortSignal })
            return await response.generateAssistantResponseResponse?.[Symbol.asyncIterator]().next()
          })
          assert.strictEqual(first?.value?.assistantResponseEvent?.content, "x")
          assert.deepStrictEqual(yield* server.gauge("token-1"), { live: 1, maximum: 1, total: 1 })
          assert.strictEqual(yield* server.openStreams, 1)
        })
      )
      yield* until(server.openStreams, (open) => open === 0)
      assert.deepStrictEqual(yield* server.gauge("token-1"), { live: 0, maximum: 1, total: 1 })
      assert.strictEqual((yield* server.requests).at(-1)?.ending, "disconnected")
    })
  )

  it.effect("counts calls of one token at a time and their maximum", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const calls = yield* Effect.forkChild(
        Effect.forEach([1, 2, 3], () => ask(server, scripted([{ fail: "header_timeout" }]), "busy"), { concurrency: 3 })
      )
      yield* until(server.gauge("busy"), ({ live }) => live === 3)
      assert.deepStrictEqual(yield* server.gauge("other"), { live: 0, maximum: 0, total: 0 })
      yield* Fiber.interrupt(calls)
      yield* until(server.gauge("busy"), ({ live }) => live === 0)
      assert.deepStrictEqual(yield* server.gauge("busy"), { live: 0, maximum: 3, total: 3 })
    })
  )

  it.effect("holds back a script whose text nobody reads", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const steps = [{ text: "0123456789".repeat(1_000), repeat: 10_000 }]
      const body = JSON.stringify({ conversationState: scripted(steps) })
      const head = `POST /generateAssistantResponse HTTP/1.1\r\nhost: x\r\nauthorization: Bearer slow\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => connect(server.port, "127.0.0.1").pause()),
        (open) => Effect.sync(() => open.destroy())
      )
      socket.write(head + body)
      const sent = Effect.map(server.requests, (requests) => requests.at(-1)?.sentBytes ?? 0)
      yield* until(sent, (bytes) => bytes > 100_000)
      const settled = yield* until(twice(sent), ([before, after]) => before === after)
      assert.isBelow(settled[1], 40_000_000)
      assert.strictEqual(yield* server.openStreams, 1)
      socket.destroy()
      yield* until(server.openStreams, (open) => open === 0)
    })
  )

  it.effect("does not keep the simulator from closing", () =>
    Effect.gen(function* () {
      const answer = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* simulator
          const call = yield* Effect.forkDetach(ask(server, scripted([{ text: "x" }, { stall: true }])))
          yield* until(server.openStreams, (open) => open === 1)
          return call
        })
      )
      const heard = yield* Fiber.join(answer)
      assert.isNotNull(heard.thrown)
    })
  )
})

/** Looks again after other work until the value is right; the test's own time limit is the bound. */
const until = <A>(look: Effect.Effect<A>, isRight: (value: A) => boolean): Effect.Effect<A> =>
  Effect.repeat(Effect.andThen(anotherTurn, look), { until: isRight })

const anotherTurn = Effect.callback<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})

/** A value now and after some turns of the event loop. */
const twice = <A>(look: Effect.Effect<A>) =>
  Effect.gen(function* () {
    const before = yield* look
    yield* Effect.repeat(anotherTurn, { times: 200 })
    return [before, yield* look] as const
  })
