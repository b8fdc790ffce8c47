import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { ModelList } from "../../src/exchange/ModelList.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { staticModels } from "../../src/policy/ModelCatalog.ts"
import type { UpstreamModel } from "../../src/upstream/UpstreamProvider.ts"
import { poolOf, ready } from "../credential/PoolRig.ts"
import { answers, type FakeOptions, makeFakes } from "./Fakes.ts"

const model: UpstreamModel = {
  id: "claude-opus-4.8",
  name: "Claude Opus 4.8",
  maxInputTokens: 300_000,
  maxOutputTokens: 64_000,
  promptCaching: null,
  info: null
}

const settings = RuntimeSettings.layerMemory(quickstartConfig("."))
const listOf = (options: Omit<FakeOptions, "script">) =>
  ModelList.layer.pipe(Layer.provide(Layer.merge(makeFakes({ script: [answers()], ...options }).layer, settings)))

describe("ModelList", () => {
  it.effect("is what the pool's credentials list", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* (yield* ModelList).list, [model])
    }).pipe(Effect.provide(listOf({ models: Effect.succeed([model]) })))
  )

  it.effect("waits two seconds for the first list, then answers with the static one", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild((yield* ModelList).list)
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), staticModels)
    }).pipe(Effect.provide(listOf({ models: Effect.never })))
  )

  it.effect("answers after two seconds with what is known of it, whoever is slow", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild((yield* ModelList).list)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), [model])
    }).pipe(Effect.provide(listOf({ models: Effect.never, known: [model] })))
  )

  it.effect("is the static one where nobody could be asked", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* (yield* ModelList).list, staticModels)
    }).pipe(Effect.provide(listOf({})))
  )

  it.effect("asks every upstream in the order of the configuration, and others that credentials have after it", () =>
    Effect.gen(function* () {
      const models = yield* ModelList
      const { update } = yield* RuntimeSettings
      const kiro = UpstreamId.make("kiro")
      assert.deepStrictEqual(models.route("claude-opus-4-5"), [kiro, UpstreamId.make("sandbox")])
      yield* update("models", { aliases: { mine: "claude-opus-4.5" }, routes: { "claude-opus-*": ["kiro"] } })
      for (const name of ["claude-opus-4-5-20250929", "claude-opus-4-5-thinking", "mine"]) {
        assert.deepStrictEqual(models.route(name), [kiro], name)
      }
      assert.strictEqual(models.route("claude-sonnet-4-5").length, 2)
    }).pipe(
      Effect.provide(
        ModelList.layer.pipe(Layer.provideMerge(poolOf([ready("s", { upstream: UpstreamId.make("sandbox") })])))
      )
    )
  )

  it.effect("takes the upstream's word for a window, and its own where there is none", () =>
    Effect.gen(function* () {
      const models = yield* ModelList
      assert.strictEqual(models.planned(model.id).window, 300_000)
      assert.strictEqual(models.planned("claude-opus-4.7").window, 1_000_000)
      assert.strictEqual(models.planned("claude-opus-4.6").window, 1_000_000)
    }).pipe(Effect.provide(listOf({ known: [model, { ...model, id: "claude-opus-4.7", maxInputTokens: null }] })))
  )
})
