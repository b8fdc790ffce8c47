import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Redacted, Ref } from "effect"
import { CredentialIntake, type Taken, type VerificationPolicy } from "../../src/credential/CredentialIntake.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import type { OAuthCredential, RefreshedTokens } from "../../src/message/Credential.ts"
import { RefreshFailure } from "../../src/upstream/RefreshFailure.ts"
import { failure, type UpstreamFailure } from "../../src/upstream/UpstreamFailure.ts"
import { anthropicUpstream, kiroUpstream } from "../support/Credentials.ts"
import { poolOf, refreshed, settle } from "./PoolRig.ts"

const token = (name: string) => `SECRET-${name}:`.padEnd(120, "r")
const silent = () => Effect.void

/** An intake over a pool whose upstreams answer so. */
const intakeOver = (
  refresh: (credential: OAuthCredential) => Effect.Effect<RefreshedTokens, RefreshFailure>,
  list: Effect.Effect<ReadonlyArray<never>, UpstreamFailure> = Effect.succeed([])
) =>
  CredentialIntake.layer([kiroUpstream("kiro"), anthropicUpstream("anthropic")]).pipe(
    Layer.provideMerge(poolOf([], { provider: { refresh, listModels: () => list } }))
  )

const take = (entries: unknown, policy: VerificationPolicy, told: (taken: Taken) => Effect.Effect<void> = silent) =>
  CredentialIntake.use((intake) => intake.take(intake.rowsOf(JSON.stringify(entries), false), policy, told))

const refused = (kind: RefreshFailure["kind"]) =>
  Effect.fail(new RefreshFailure({ kind, status: 400, detail: "SECRET of the provider" }))

/** The refresh token that is stored of each credential. */
const stored = CredentialStore.use(({ load }) =>
  Effect.map(load, (all) =>
    all.map(({ credential }) => ("refreshToken" in credential ? Redacted.value(credential.refreshToken) : "key"))
  )
)

describe("CredentialIntake", () => {
  it.effect(
    "takes a credential with the tokens that its refresh brought, which are stored when it is in the pool",
    () =>
      Effect.gen(function* () {
        const [taken] = yield* take({ refreshToken: token("a") }, "require")
        if (taken?.id === undefined) return assert.fail("nothing was added")
        assert.strictEqual(taken.status, "added")
        assert.deepStrictEqual(yield* stored, ["refresh 1"])
        const { credentials } = yield* CredentialPool.use(({ snapshot }) => snapshot)
        assert.deepStrictEqual(
          credentials.map(({ disabled, id }) => [id, disabled]),
          [[taken.id, false]]
        )
        const [again] = yield* take({ refreshToken: token("a") }, "require")
        assert.deepStrictEqual(again, { row: 1, status: "duplicate", id: taken.id, message: "is here already" })
      }).pipe(Effect.provide(intakeOver(() => Effect.succeed(refreshed(1)))))
  )

  for (const [policy, kept] of [
    ["require", 0],
    ["tell", 2]
  ] as const) {
    it.effect(`keeps ${kept} of two that fail under ${policy}, and says why without the provider's words`, () =>
      Effect.gen(function* () {
        const results = yield* take([{ refreshToken: token("a") }, { kiroApiKey: "ksk_SECRET" }], policy)
        assert.deepStrictEqual(
          results.map(({ message, status }) => [status, message]),
          [
            ["unverified", "the identity provider no longer takes this credential; only a new sign-in helps"],
            ["unverified", "the upstream: key_rejected"]
          ]
        )
        assert.notInclude(JSON.stringify(results), "SECRET")
        const { credentials } = yield* CredentialPool.use(({ snapshot }) => snapshot)
        assert.deepStrictEqual(
          credentials.map(({ health, id }) => [id, health.disabled?.reason]),
          results.flatMap(({ id }, index) =>
            id === undefined ? [] : [[id, ["invalid_refresh_token", undefined][index]]]
          )
        )
        assert.strictEqual(credentials.length, kept)
        assert.strictEqual(yield* CredentialStore.use(({ everHeldOne }) => everHeldOne), kept > 0)
      }).pipe(
        Effect.provide(
          intakeOver(() => refused("rejected"), Effect.fail(failure("key_rejected", "credential", "SECRET")))
        )
      )
    )
  }

  it.effect("asks nobody under none, and keeps disabled what the row disables", () =>
    Effect.gen(function* () {
      const results = yield* take([{ refreshToken: token("a"), disabled: true }, { kiroApiKey: "ksk_1" }, 7], "none")
      assert.deepStrictEqual(
        results.map(({ status }) => status),
        ["added", "added", "invalid"]
      )
      const { credentials } = yield* CredentialPool.use(({ snapshot }) => snapshot)
      assert.deepStrictEqual(
        credentials.map(({ health }) => health.disabled?.reason),
        ["manual", undefined]
      )
    }).pipe(Effect.provide(intakeOver(() => Effect.die("not to be asked"))))
  )

  it.effect("verifies eight at a time, tells of each as it comes and answers in the order of the rows", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const running = yield* Ref.make({ now: 0, most: 0 })
      const refresh = () =>
        Effect.gen(function* () {
          yield* Ref.update(running, ({ most, now }) => ({ now: now + 1, most: Math.max(most, now + 1) }))
          yield* Deferred.await(gate)
          yield* Ref.update(running, ({ most, now }) => ({ now: now - 1, most }))
          return refreshed(1)
        })
      const told: Array<number> = []
      const entries = Array.from({ length: 40 }, (_, n) => ({ refreshToken: token(`n${n % 39}`) }))
      const results = yield* Effect.gen(function* () {
        const taking = yield* Effect.forkChild(take(entries, "tell", ({ row }) => Effect.sync(() => told.push(row))))
        yield* settle
        assert.strictEqual((yield* Ref.get(running)).now, 8)
        yield* Deferred.succeed(gate, undefined)
        return yield* Fiber.join(taking)
      }).pipe(Effect.provide(intakeOver(refresh)))
      assert.strictEqual((yield* Ref.get(running)).most, 8)
      assert.deepStrictEqual(
        results.map(({ row }) => row),
        entries.map((_, index) => index + 1)
      )
      assert.deepStrictEqual(
        told.toSorted((a, b) => a - b),
        results.map(({ row }) => row)
      )
      assert.deepStrictEqual(results.at(-1), {
        row: 40,
        status: "duplicate",
        message: "is the same as row 1",
        id: results[0]?.id ?? assert.fail("the first was not added")
      })
    })
  )

  it.effect(
    "stores what a refresh brought even where the import is interrupted meanwhile, and begins no other row",
    () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const asked = yield* Ref.make(0)
        const refresh = () =>
          Effect.andThen(
            Ref.update(asked, (n) => n + 1),
            Effect.as(Deferred.await(gate), refreshed(1))
          )
        yield* Effect.gen(function* () {
          const entries = Array.from({ length: 20 }, (_, n) => ({ refreshToken: token(`n${n}`) }))
          const taking = yield* Effect.forkChild(take(entries, "tell"))
          yield* settle
          const stopping = yield* Effect.forkChild(Fiber.interrupt(taking))
          yield* settle
          yield* Deferred.succeed(gate, undefined)
          yield* Fiber.join(stopping)
          assert.deepStrictEqual(
            yield* stored,
            Array.from({ length: 8 }, () => "refresh 1")
          )
        }).pipe(Effect.provide(intakeOver(refresh)))
        assert.strictEqual(yield* Ref.get(asked), 8)
      })
  )

  it.effect("never verifies the same secret twice at once", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const asked = yield* Ref.make(0)
      const refresh = () =>
        Effect.andThen(
          Ref.update(asked, (n) => n + 1),
          Effect.as(Deferred.await(gate), refreshed(1))
        )
      yield* Effect.gen(function* () {
        const first = yield* Effect.forkChild(take({ refreshToken: token("a") }, "require"))
        yield* settle
        const [second] = yield* take({ refreshToken: token("a") }, "require")
        assert.deepStrictEqual(second, { row: 1, status: "duplicate", message: "is being added" })
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual((yield* Fiber.join(first))[0]?.status, "added")
      }).pipe(Effect.provide(intakeOver(refresh)))
      assert.strictEqual(yield* Ref.get(asked), 1)
    })
  )
})
