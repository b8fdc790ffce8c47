/** Every provider that comes with the gateway, held to what any provider keeps to. */
import { describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Script } from "../../src/simulator/Script.ts"
import { type Behaviour, conformanceCases, type ConformanceSubject } from "../../src/testing/UpstreamConformance.ts"
import { Dispatch } from "../../src/upstream/Dispatch.ts"
import { DocumentText } from "../../src/upstream/DocumentText.ts"
import * as KiroProvider from "../../src/upstream/kiro/KiroProvider.ts"
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

describe("the Kiro provider", () => {
  for (const { name, run } of conformanceCases) {
    it.live(name, () => Effect.scoped(Effect.flatMap(kiroSubject, run)))
  }
})
