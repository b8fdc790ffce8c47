import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { ModelList } from "../../src/exchange/ModelList.ts"
import { staticModels } from "../../src/policy/ModelCatalog.ts"
import { failure } from "../../src/upstream/UpstreamFailure.ts"
import type { UpstreamModel } from "../../src/upstream/UpstreamProvider.ts"
import { answers, type Fakes, type FakeOptions, makeFakes } from "./Fakes.ts"

const model: UpstreamModel = {
  id: "claude-opus-4.8",
  name: "Claude Opus 4.8",
  maxInputTokens: 300_000,
  maxOutputTokens: 64_000,
  promptCaching: null
}

const settings = RuntimeSettings.layerMemory(quickstartConfig("."))
const test = (
  models: NonNullable<FakeOptions["models"]>,
  body: (fakes: Fakes) => Effect.Effect<void, never, ModelList>
) =>
  Effect.suspend(() => {
    const fakes = makeFakes({ script: [answers()], models })
    return Effect.provide(body(fakes), ModelList.layer.pipe(Layer.provide(Layer.merge(fakes.layer, settings))))
  })
const broken = Effect.fail(failure("upstream_error", "upstream", "test"))

describe("ModelList", () => {
  it.effect("keeps what the upstream said for ten minutes, then asks again in the background", () =>
    test(Effect.succeed([model]), ({ listed, live }) =>
      Effect.gen(function* () {
        const models = yield* ModelList
        assert.deepStrictEqual(yield* models.list, [model])
        yield* TestClock.adjust("9 minutes")
        assert.deepStrictEqual(yield* models.list, [model])
        assert.strictEqual(listed(), 1)
        yield* TestClock.adjust("61 seconds")
        assert.deepStrictEqual(yield* models.list, [model])
        assert.strictEqual(listed(), 2)
        assert.strictEqual(live(), 0)
      })
    )
  )

  it.effect("waits two seconds for the first list, then answers with the static one", () =>
    test(Effect.never, ({ listed }) =>
      Effect.gen(function* () {
        const models = yield* ModelList
        const fiber = yield* Effect.forkChild(models.list)
        yield* TestClock.adjust("1999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* Fiber.join(fiber), staticModels)
        assert.strictEqual(listed(), 1)
      })
    )
  )

  it.effect("asks once, however many want to know at once", () =>
    Effect.gen(function* () {
      const told = yield* Deferred.make<ReadonlyArray<UpstreamModel>>()
      yield* test(Deferred.await(told), ({ listed }) =>
        Effect.gen(function* () {
          const models = yield* ModelList
          const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(models.list))
          yield* TestClock.adjust("1 second")
          yield* models.refresh
          yield* Deferred.succeed(told, [model])
          for (const fiber of fibers) assert.deepStrictEqual(yield* Fiber.join(fiber), [model])
          assert.strictEqual(listed(), 1)
        })
      )
    })
  )

  it.effect("answers with the static list after a failure, and asks again a minute later", () =>
    test(broken, ({ listed, live }) =>
      Effect.gen(function* () {
        const models = yield* ModelList
        assert.strictEqual(yield* models.list, staticModels)
        assert.strictEqual(yield* models.list, staticModels)
        assert.strictEqual(listed(), 1)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* models.list, staticModels)
        assert.strictEqual(listed(), 2)
        assert.strictEqual(live(), 0)
      })
    )
  )

  it.effect("keeps the last list while the upstream fails", () => {
    let asked = 0
    const models = Effect.suspend(() => (asked++ === 0 ? Effect.succeed([model]) : broken))
    return test(models, () =>
      Effect.gen(function* () {
        const models = yield* ModelList
        assert.deepStrictEqual(yield* models.list, [model])
        yield* TestClock.adjust("11 minutes")
        assert.deepStrictEqual(yield* models.list, [model])
        assert.strictEqual(asked, 2)
      })
    )
  })

  it.effect("gives up a fetch that takes too long, and its lease with it", () =>
    test(Effect.never, ({ live }) =>
      Effect.gen(function* () {
        const models = yield* ModelList
        yield* models.refresh
        yield* TestClock.adjust("1 second")
        assert.strictEqual(live(), 1)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(live(), 0)
      })
    )
  )

  it.effect("takes the upstream's word for a window, and its own where there is none", () =>
    test(Effect.succeed([model, { ...model, id: "claude-opus-4.7", maxInputTokens: null }]), () =>
      Effect.gen(function* () {
        const models = yield* ModelList
        assert.strictEqual(models.window(model.id), 1_000_000)
        yield* models.list
        assert.strictEqual(models.window(model.id), 300_000)
        assert.strictEqual(models.window("claude-opus-4.7"), 1_000_000)
      })
    )
  )
})
