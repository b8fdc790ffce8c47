/** Every provider that comes with the gateway, held to what any provider keeps to. */
import { describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { AnthropicSimulator } from "../../src/simulator/anthropic/AnthropicSimulator.ts"
import type { Script as AnthropicScript } from "../../src/simulator/anthropic/Script.ts"
import type { Script } from "../../src/simulator/Script.ts"
import { type Behaviour, conformanceCases, type ConformanceSubject } from "../../src/testing/UpstreamConformance.ts"
import * as AnthropicProvider from "../../src/upstream/anthropic/AnthropicProvider.ts"
import { Dispatch } from "../../src/upstream/Dispatch.ts"
import { DocumentText } from "../../src/upstream/DocumentText.ts"
import * as KiroProvider from "../../src/upstream/kiro/KiroProvider.ts"
import { anthropicKey } from "../support/Rig.ts"
import { callOf, leaseOf, makeRig, optionsFor } from "../upstream/kiro/KiroRig.ts"

/** A port that nobody listens on. */
const nowhere = "http://127.0.0.1:1"

const services = Layer.fresh(Layer.merge(Dispatch.layer, DocumentText.layerRefusing))

const kiro: Readonly<Record<Behaviour, Script>> = {
  answers: { rules: [{ steps: [{ text: "hello" }, { metadataEvent: true }] }] },
  flows: {
    rules: [{ steps: [{ text: "x".repeat(64 * 1024), chunk: 64 * 1024, repeat: 160 }, { metadataEvent: true }] }]
  },
  cut: { rules: [{ steps: [{ text: "hello" }, { delay: 50 }, { cut: true }] }] },
  ends: { rules: [{ steps: [{ text: "hello" }, { delay: 50 }, { truncate: true }] }] },
  hangs: { rules: [{ steps: [{ headersDelay: 60_000 }] }] },
  stalls: { rules: [{ steps: [{ text: "hello" }, { stall: true }] }] },
  limited: {
    rules: [{ steps: [{ http: { status: 429, type: "ThrottlingException", message: "slow", retryAfter: 7 } }] }]
  },
  overloaded: { rules: [{ fail: "model_capacity" }] },
  fails: { rules: [{ steps: [{ http: { status: 500, message: "no" } }] }] },
  forbids: { rules: [{ steps: [{ http: { status: 403, type: "AccessDeniedException", message: "no" } }] }] },
  refuses: { rules: [{ steps: [{ http: { status: 400, type: "ValidationException", message: "wrong" } }] }] },
  knows_no_model: { rules: [{ fail: "invalid_model" }] }
}

const kiroSubject = Effect.gen(function* () {
  const { provider, simulator } = yield* makeRig()
  const context = yield* Layer.build(services)
  const unreachable = yield* Effect.provideContext(
    KiroProvider.make(optionsFor(nowhere)),
    Context.merge(context, Context.empty())
  )
  const subject: ConformanceSubject = {
    provider,
    lease: leaseOf(),
    call: callOf({ max_tokens: 1e8, stream: true }),
    behave: (behaviour) => simulator.setScript(kiro[behaviour]),
    openStreams: simulator.openStreams,
    unreachable
  }
  return subject
})

const long = { type: "text", text: "x".repeat(9 * 1024 * 1024) }

const anthropic: Readonly<Record<Behaviour, AnthropicScript>> = {
  answers: {},
  flows: { rules: [{ content: [long], chunk: 64 * 1024 }] },
  cut: { rules: [{ cut: { events: 4 }, delay: 20 }] },
  ends: { rules: [{ sse: `event: message_start\ndata: {"type":"message_start","message":{"usage":{}}}\n\n` }] },
  hangs: { rules: [{ headersDelay: 60_000 }] },
  stalls: { rules: [{ stall: { events: 4 } }] },
  limited: { rules: [{ fail: "rate_limit", retryAfter: 7 }] },
  overloaded: { rules: [{ fail: "overloaded" }] },
  fails: { rules: [{ fail: "internal" }] },
  forbids: { rules: [{ fail: "authentication" }] },
  refuses: { rules: [{ fail: "invalid_request" }] },
  knows_no_model: { rules: [{ fail: { status: 404, type: "not_found_error", message: "model: claude-x" } }] }
}

const anthropicSubject = Effect.gen(function* () {
  const simulator = yield* Effect.orDie(AnthropicSimulator.make())
  const context = yield* Layer.build(services)
  const at = (url: string) =>
    Effect.provideContext(
      AnthropicProvider.make({ baseUrl: new URL(url), version: "0.0.0-test" }),
      Context.merge(context, Context.empty())
    )
  const credential = anthropicKey("conformance")
  const subject: ConformanceSubject = {
    provider: yield* at(simulator.url),
    lease: { ...leaseOf(), credential, token: credential.secret },
    call: callOf({ stream: true }),
    behave: (behaviour) => simulator.setScript(anthropic[behaviour]),
    openStreams: simulator.openStreams,
    unreachable: yield* at(nowhere)
  }
  return subject
})

describe("the Anthropic provider", () => {
  for (const { name, run } of conformanceCases) {
    it.live(name, () => Effect.scoped(Effect.flatMap(anthropicSubject, run)))
  }
})

describe("the Kiro provider", () => {
  for (const { name, run } of conformanceCases) {
    it.live(name, () => Effect.scoped(Effect.flatMap(kiroSubject, run)))
  }
})
