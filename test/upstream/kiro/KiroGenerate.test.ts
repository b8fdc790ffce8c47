import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, References } from "effect"
import { UpstreamId } from "../../../src/message/Ids.ts"
import type { ContentEvent } from "../../../src/message/MessageEvent.ts"
import type { FailureName } from "../../../src/simulator/FailurePreset.ts"
import { Dispatch } from "../../../src/upstream/Dispatch.ts"
import {
  accessToken,
  answer,
  apiKey,
  bodies,
  callOf,
  collect,
  deltas,
  leaseOf,
  makeRig,
  playing,
  refusal,
  short,
  social,
  token,
  until
} from "./KiroRig.ts"

const thinking = { thinking: { type: "enabled", budget_tokens: 1024 } }
const weather = {
  tools: [{ name: "get_weather", description: "d", input_schema: { type: "object", properties: {} } }]
}

describe("an answer from a real socket", () => {
  it.live("is text with the upstream's usage and model", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ text: "grüß dich", chunk: 2, modelId: "claude-sonnet-4.5" }])
      const { events, settlement } = yield* answer(rig)
      assert.strictEqual(deltas(events, "text_delta"), "grüß dich")
      assert.strictEqual(settlement.stopReason, "end_turn")
      assert.strictEqual(settlement.answeredBy, "claude-sonnet-4.5")
      const [call, ...others] = settlement.calls
      assert.deepStrictEqual(others, [])
      assert.isAbove(call?.usage.uncachedInputTokens ?? 0, 0)
      assert.isAbove(call?.usage.credits ?? 0, 0)
      assert.isAbove(call?.outputEstimate ?? 0, 0)
      assert.lengthOf(yield* bodies(rig), 1)
    })
  )

  it.live("is the same however the writes are cut or joined", () =>
    Effect.gen(function* () {
      for (const step of [{ split: 1 }, { split: 7 }, { batch: 1000 }]) {
        const rig = yield* playing([step, { text: "grüß 漢字 😀", chunk: 1 }])
        assert.strictEqual(deltas((yield* answer(rig)).events, "text_delta"), "grüß 漢字 😀")
      }
    })
  )

  it.live("is native thinking with its signature, then text", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ thinking: "hm", signature: "c2ln" }, { redacted: "AAEC" }, { text: "a" }])
      assert.deepStrictEqual(short((yield* answer(rig, callOf(thinking))).events), [
        "+thinking",
        "thinking_delta:hm",
        "signature_delta:c2ln",
        "-",
        "+redacted_thinking",
        "-",
        "+text",
        "text_delta:a",
        "-"
      ])
    })
  )

  it.live("is thinking taken out of tags, without a signature", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ tagged: "hm, well", chunk: 3 }, { text: "done" }])
      const { events } = yield* answer(rig, callOf(thinking))
      assert.strictEqual(deltas(events, "thinking_delta"), "hm, well")
      assert.strictEqual(deltas(events, "text_delta"), "done")
      assert.strictEqual(deltas(events, "signature_delta"), "")
    })
  )

  it.live("is a tool call in fragments", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ text: "Let me see." }, { tool: "get_weather", input: { city: "Paris" }, chunk: 3 }])
      const { events, settlement } = yield* answer(rig, callOf(weather))
      assert.deepStrictEqual(JSON.parse(deltas(events, "input_json_delta")), { city: "Paris" })
      assert.strictEqual(settlement.stopReason, "tool_use")
      assert.lengthOf(yield* bodies(rig), 1)
    })
  )

  it.live("is cut off, not ready to run, where a tool call is", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ tool: "get_weather", input: '{"cit', stop: false }])
      const { settlement } = yield* answer(rig, callOf(weather))
      assert.strictEqual(settlement.stopReason, "max_tokens")
    })
  )

  it.live("may be nothing at all, if the upstream says that this was it", () =>
    Effect.gen(function* () {
      const { heard, sink } = collect()
      const rig = yield* playing([{ metadataEvent: true }])
      const settlement = yield* rig.provider.send(callOf(), leaseOf(), sink)
      assert.deepStrictEqual(heard.events, [])
      assert.strictEqual(settlement.stopReason, "end_turn")
    })
  )

  it.live("has begun with its first event, though that is thinking nobody asked for", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ thinking: "hm" }, { stall: true }])
      const { heard, sink } = collect()
      const running = yield* Effect.forkChild(rig.provider.send(callOf({}), leaseOf(), sink))
      yield* until(
        Effect.sync(() => heard.begun),
        (begun) => begun === 1
      )
      assert.deepStrictEqual(heard.events, [])
      yield* Fiber.interrupt(running)
    })
  )

  it.live("ends at a stop sequence and gives the upstream up", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ text: "one two ", repeat: 2 }, { text: "END three" }, { stall: true }])
      const { events, settlement } = yield* answer(rig, callOf({ stop_sequences: ["END"] }))
      assert.strictEqual(deltas(events, "text_delta"), "one two one two ")
      assert.strictEqual(settlement.stopReason, "stop_sequence")
      assert.strictEqual(settlement.stopSequence, "END")
      yield* until(rig.simulator.openStreams, (open) => open === 0)
    })
  )

  it.live("ends at max_tokens and gives the upstream up", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ text: "some words more ", repeat: 200 }, { stall: true }])
      const { settlement } = yield* answer(rig, callOf({ max_tokens: 20 }))
      assert.strictEqual(settlement.stopReason, "max_tokens")
      yield* until(rig.simulator.openStreams, (open) => open === 0)
    })
  )
})

describe("a failure", () => {
  const presets: ReadonlyArray<readonly [FailureName, string]> = [
    ["network", "network"],
    ["masked_throttling", "upstream_error"],
    ["masked_validation", "invalid_request"],
    ["monthly_quota", "quota_exceeded"],
    ["overage", "overage_request_limit"],
    ["payment_required", "client_error"],
    ["improperly_formed", "invalid_request"],
    ["input_too_long", "prompt_too_long"],
    ["invalid_model", "invalid_model"],
    ["kms_grant", "auth"],
    ["bearer_invalid", "token_rejected"],
    ["access_denied", "auth"],
    ["suspended", "account_suspended"],
    ["unauthorized", "token_rejected"],
    ["rate_limit", "rate_limit"],
    ["suspicious_activity", "suspicious_activity"],
    ["monthly_throttle", "quota_exceeded"],
    ["model_capacity", "model_capacity"],
    ["high_load", "model_capacity"],
    ["internal", "upstream_error"],
    ["timeout", "timeout"],
    ["bad_gateway", "upstream_error"],
    ["conflict", "auth"],
    ["not_found", "client_error"]
  ]

  it.live("before the answer is known by its kind, and nothing was shown", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      for (const [fail, kind] of presets) {
        yield* rig.simulator.setScript({ rules: [{ fail }] })
        const { events, reason } = yield* refusal(rig)
        assert.strictEqual(reason.kind, kind, fail)
        assert.deepStrictEqual(events, [])
      }
    })
  )

  it.live("inside an answer comes after what was shown before it", () =>
    Effect.gen(function* () {
      for (const [steps, kind] of [
        [[{ fail: "rate_limit" }], "rate_limit"],
        [[{ fail: "internal" }], "upstream_error"],
        [[{ error: "InternalError", message: "oops" }], "upstream_error"],
        [[{ invalidState: "oops" }], "upstream_error"],
        [[{ delay: 5 }, { cut: true }], "stream_broken"],
        [[{ delay: 5 }, { cut: "inFrame" }], "stream_broken"],
        [[{ truncate: true }], "stream_broken"],
        [[{ corrupt: "payload" }], "stream_broken"],
        [[{ corrupt: "prelude" }], "stream_broken"],
        [[{ corrupt: "crc" }], "stream_broken"]
      ] as const) {
        const rig = yield* playing([{ text: "before" }, ...steps])
        const { events, reason } = yield* refusal(rig)
        assert.strictEqual(reason.kind, kind, JSON.stringify(steps))
        assert.isNull(reason.status)
        assert.strictEqual(deltas(events, "text_delta"), "before")
      }
    })
  )

  it.live("is an answer that ended before anything came", () =>
    Effect.gen(function* () {
      const { reason } = yield* refusal(yield* playing([{ end: true }]))
      assert.strictEqual(reason.kind, "stream_broken")
    })
  )

  it.live("is a header or a next chunk that does not come in time, and closes the socket", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ stall: true }])
      const header = yield* refusal(rig, callOf({}, { headerTimeoutMs: 50 }))
      assert.strictEqual(header.reason.kind, "timeout")
      yield* rig.simulator.setScript({ rules: [{ steps: [{ text: "a" }, { stall: true }] }] })
      const idle = yield* refusal(rig, callOf({}, { idleTimeoutMs: 50 }))
      assert.strictEqual(idle.reason.kind, "timeout")
      assert.strictEqual(deltas(idle.events, "text_delta"), "a")
      yield* until(rig.simulator.openStreams, (open) => open === 0)
    })
  )

  it.live("is a server that is not there", () =>
    Effect.gen(function* () {
      const rig = yield* Effect.scoped(makeRig())
      const gone = yield* makeRig(
        {},
        { endpoints: { region: "us-east-1", api: rig.simulator.url, socialRefresh: "", idcRefresh: "" } }
      )
      assert.strictEqual((yield* refusal(gone)).reason.kind, "network")
    })
  )

  it.live("is a redirect, which is not followed", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const location = `${rig.simulator.url}/mcp`
      yield* rig.simulator.setScript({ rules: [{ steps: [{ http: { status: 307, headers: { location } } }] }] })
      assert.strictEqual((yield* refusal(rig)).reason.kind, "upstream_error")
      assert.deepStrictEqual(
        (yield* rig.simulator.requests).map(({ operation }) => operation),
        ["generate"]
      )
    })
  )

  it.live("carries the upstream's retry-after", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ fail: "rate_limit", retryAfter: 7 }])
      assert.strictEqual((yield* refusal(rig)).reason.retryAfterMs, 7_000)
    })
  )

  it.live("never tells the token, whatever the upstream repeats of it, nor does the log", () =>
    Effect.gen(function* () {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ cause, message }) =>
        logged.push(JSON.stringify([message, cause]), String(cause), message)
      )
      const said = `The token ${accessToken} is no good`
      yield* Effect.gen(function* () {
        for (const steps of [
          [{ http: { status: 400, message: said } }],
          [{ http: { status: 500, body: said } }],
          [{ masked: { type: "ValidationException", message: said } }],
          [{ text: "a" }, { exception: "InternalServerException", message: said }]
        ]) {
          const { reason } = yield* refusal(yield* playing(steps), callOf(), leaseOf(social()))
          assert.include(reason.message, "<redacted>")
        }
        const mcp = { operation: "mcp", steps: [{ http: { status: 500, message: said } }] } as const
        yield* answer(
          yield* playing([], [mcp]),
          callOf({ tools: [{ type: "web_search_20250305", name: "web_search" }] }),
          leaseOf(social())
        )
      }).pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "All"))
      assert.isAbove(logged.length, 0)
      assert.notInclude(logged.map(String).join(), accessToken)
    })
  )
})

describe("a request's headers", () => {
  it.live("say who calls, with what kind of credential, and let the operator's own win", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({}, { headers: { "User-Agent": "theirs/1", "x-own": "yes" } })
      yield* answer(rig)
      const [seen] = yield* rig.simulator.requests
      assert.strictEqual(seen?.headers["user-agent"], "theirs/1")
      assert.strictEqual(seen?.headers["x-own"], "yes")
      assert.strictEqual(seen?.headers["tokentype"], "API_KEY")
      assert.strictEqual(seen?.headers["x-amzn-codewhisperer-optout"], "true")
      assert.strictEqual(seen?.token, token)
    })
  )

  it.live("and body carry the profile of the credential that serves", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const profileArn = "arn:aws:codewhisperer:us-east-1:111122223333:profile/ABCDEF"
      yield* answer(rig, callOf(), leaseOf(apiKey({ profileArn, upstream: UpstreamId.make("kiro") })))
      const [body] = yield* bodies(rig)
      assert.include(JSON.stringify(body), profileArn)
    })
  )
})

describe("the socket", () => {
  it.live("pauses while the sink is full, and goes on to the end", () =>
    Effect.gen(function* () {
      const size = 32 * 1024 * 1024
      const piece = "0123456789abcdef".repeat(4096)
      const rig = yield* playing([{ text: piece, repeat: size / piece.length }, { meteringEvent: 1 }])
      const full = yield* Deferred.make<() => void>()
      let resume = () => {}
      let characters = 0
      let held = true
      const sink = {
        open: (next: () => void) => {
          resume = next
        },
        begun: () => {},
        pass: () => true,
        write: (events: ReadonlyArray<ContentEvent>) => {
          for (const event of events) {
            if (event.type === "content_block_delta" && event.delta.type === "text_delta")
              characters += event.delta.text.length
          }
          if (held) Deferred.doneUnsafe(full, Effect.succeed(resume))
          return !held
        }
      }
      const call = callOf({ max_tokens: 1e9 }, { idleTimeoutMs: 100 })
      const running = yield* Effect.forkChild(rig.provider.send(call, leaseOf(), sink))
      const goOn = yield* Deferred.await(full)
      const sent = Effect.map(rig.simulator.requests, ([request]) => request?.sentBytes ?? 0)
      // Until the kernel's buffers are full and the simulator waits: twice the same, half a second apart, which is also
      // longer than the idle timeout, for a paused socket is not a silent one.
      let before = -1
      let now = yield* sent
      while (now !== before) {
        before = now
        yield* Effect.sleep("500 millis")
        now = yield* sent
      }
      assert.isBelow(now, size * 0.75)
      held = false
      goOn()
      const settlement = yield* Fiber.join(running)
      assert.strictEqual(settlement.stopReason, "end_turn")
      assert.strictEqual(characters, size)
      // A client's buffer may drain after the upstream's answer has ended.
      assert.doesNotThrow(goOn)
    })
  )

  it.live("closes when the call is interrupted, before a header and inside an answer", () =>
    Effect.gen(function* () {
      for (const steps of [[{ stall: true }], [{ text: "a" }, { stall: true }]] as const) {
        const rig = yield* playing(steps)
        const running = yield* Effect.forkChild(rig.provider.send(callOf(), leaseOf(), collect().sink))
        yield* until(rig.simulator.openStreams, (open) => open === 1)
        yield* Fiber.interrupt(running)
        yield* until(rig.simulator.openStreams, (open) => open === 0)
        const [seen] = yield* rig.simulator.requests
        assert.strictEqual(seen?.ending, "disconnected")
      }
    })
  )

  it.live("is used again after a whole answer", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      for (let n = 0; n < 20; n++) yield* answer(rig)
      assert.strictEqual((yield* rig.simulator.gauge(token)).total, 20)
      assert.strictEqual(yield* rig.simulator.openStreams, 0)
    })
  )

  it.live("is not read past 1 MiB where the body is only collected", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ http: { status: 500, body: "x".repeat(8 * 1024 * 1024) } }])
      const { reason } = yield* refusal(rig)
      assert.strictEqual(reason.kind, "upstream_error")
      assert.strictEqual(reason.message.length, 1_024)
    })
  )

  it.live("is never opened for an address that undici refuses, and that is no defect", () =>
    Effect.gen(function* () {
      const dispatch = (yield* Dispatch).via({ kind: "direct" })
      const url = new URL("http://127.0.0.1:1/")
      const failed = yield* Effect.flip(
        dispatch.collect({
          url,
          method: "GET",
          headers: { bad: "a\nb" },
          body: null,
          headerTimeoutMs: 0,
          idleTimeoutMs: 0
        })
      )
      assert.strictEqual(failed.phase, "header")
      assert.isFalse(failed.timedOut)
    }).pipe(Effect.provide(Dispatch.layer))
  )
})
