import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Redacted, Ref } from "effect"
import { TestClock } from "effect/testing"
import { untouched } from "../../src/credential/CredentialStore.ts"
import { makeEntry } from "../../src/credential/PoolEntry.ts"
import * as TokenRefresh from "../../src/credential/TokenRefresh.ts"
import { isSignedIn, type OAuthCredential, type RefreshedTokens } from "../../src/message/Credential.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { RefreshFailure } from "../../src/upstream/RefreshFailure.ts"
import { everyKind, social } from "../storage/StoreCases.ts"
import { refreshed, settle } from "./PoolRig.ts"

const start = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const soon = (minutes: number) => DateTime.add(start, { minutes })

/** Refreshes over an identity provider that takes each refresh token once, as the real ones do. */
const makeRig = Effect.fnUntraced(function* (
  options: {
    /** Each refresh waits for it. */
    readonly gate?: Deferred.Deferred<void>
    readonly answer?: (n: number) => Effect.Effect<RefreshedTokens, RefreshFailure>
    readonly credential?: OAuthCredential
  } = {}
) {
  yield* TestClock.setTime(DateTime.toEpochMillis(start))
  const entry = makeEntry(options.credential ?? social("a", { expiresAt: start }), untouched, 1, true)
  const calls: Array<string> = []
  const stored: Array<string> = []
  const reports: Array<string> = []
  const storageWorks = yield* Ref.make(true)
  const tokens = yield* TokenRefresh.make({
    refresh: Effect.fnUntraced(function* (credential) {
      const n = calls.push(Redacted.value(credential.refreshToken))
      if (options.gate !== undefined) yield* Deferred.await(options.gate)
      return yield* (options.answer ?? ((n) => Effect.succeed(refreshed(n))))(n)
    }),
    store: Effect.fnUntraced(function* (_, { accessToken }) {
      if (!(yield* Ref.get(storageWorks))) {
        return yield* new StorageError({ operation: "save tokens", cause: new Error("disk full") })
      }
      stored.push(Redacted.value(accessToken))
    }),
    report: (_, failure) => Effect.sync(() => reports.push(failure?.kind ?? "refreshed"))
  })
  const token = Effect.map(tokens.token(entry), (token) => Redacted.value(token))
  const replace = (rejected: string) =>
    Effect.map(tokens.replace(entry, Redacted.make(rejected)), (token) => Redacted.value(token))
  return { calls, entry, replace, reports, storageWorks, stored, token, tokens }
})

const failure = (kind: RefreshFailure["kind"]) => new RefreshFailure({ kind, status: null, detail: "" })

describe("TokenRefresh", () => {
  it.effect("uses the present token until five minutes before it expires, and a key always", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ credential: social("a", { expiresAt: soon(10) }) })
      assert.strictEqual(yield* rig.token, "access of a")
      yield* TestClock.adjust("299 seconds")
      assert.strictEqual(yield* rig.token, "access of a")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* rig.token, "access 1")
      assert.strictEqual(yield* rig.token, "access 1")
      assert.deepStrictEqual(rig.calls, ["refresh of a"])
      const keys = everyKind.filter((credential) => !isSignedIn(credential))
      const presented = yield* Effect.forEach(keys, (credential) => {
        const entry = makeEntry(credential, untouched, 1, true)
        return Effect.gen(function* () {
          assert.isTrue(TokenRefresh.isFresh(entry, 0))
          assert.isNull(entry.profileDueAt)
          assert.strictEqual((yield* Effect.flip(rig.tokens.force(entry))).kind, "refused")
          assert.strictEqual((yield* Effect.flip(rig.tokens.early(entry))).kind, "refused")
          const token = yield* rig.tokens.token(entry)
          assert.strictEqual((yield* Effect.flip(rig.tokens.replace(entry, token))).kind, "refused")
          return Redacted.value(token)
        })
      })
      assert.deepStrictEqual(presented, ["ksk_api", "sk-ant-anthropic"])
    })
  )

  it.effect("refreshes once for all who ask at once, and gives each of them the new token", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const rig = yield* makeRig({ gate })
      const asking = yield* Effect.forkChild(
        Effect.all([rig.token, rig.replace("access of a"), rig.token, rig.replace("access of a")], {
          concurrency: "unbounded"
        })
      )
      yield* settle
      assert.strictEqual(rig.calls.length, 1)
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(asking), ["access 1", "access 1", "access 1", "access 1"])
      assert.deepStrictEqual(rig.calls, ["refresh of a"])
      assert.deepStrictEqual(rig.reports, ["refreshed"])
    })
  )

  it.effect("makes no refresh for a token that was replaced already", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      assert.strictEqual(yield* rig.replace("access of a"), "access 1")
      assert.strictEqual(yield* rig.replace("access of a"), "access 1")
      assert.strictEqual(yield* rig.replace("access 1"), "access 2")
      assert.deepStrictEqual(rig.calls, ["refresh of a", "refresh 1"])
    })
  )

  it.effect("does not lose a rotated token when all who asked for it go away", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const rig = yield* makeRig({ gate })
      const first = yield* Effect.forkChild(rig.token)
      const second = yield* Effect.forkChild(rig.token)
      yield* settle
      yield* Fiber.interrupt(first)
      yield* Fiber.interrupt(second)
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(rig.stored, ["access 1"])
      assert.strictEqual(yield* rig.token, "access 1")
      assert.strictEqual(rig.calls.length, 1)
    })
  )

  it.effect("stores a rotated token even where the pool closes while the provider answers", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const closing = yield* Deferred.make<{ readonly stored: ReadonlyArray<string> }>()
      const pool = yield* Effect.forkChild(
        Effect.scoped(
          Effect.gen(function* () {
            const rig = yield* makeRig({ gate })
            yield* Effect.forkChild(rig.token)
            yield* settle
            yield* Deferred.succeed(closing, rig)
          })
        )
      )
      const { stored } = yield* Deferred.await(closing)
      yield* settle
      assert.deepStrictEqual(stored, [])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(pool)
      assert.deepStrictEqual(stored, ["access 1"])
    })
  )

  it.effect("merges into the credential as it is then", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const rig = yield* makeRig({ gate, answer: (n) => Effect.succeed(refreshed(n, { refreshToken: null })) })
      const asking = yield* Effect.forkChild(rig.token)
      yield* settle
      rig.entry.credential = { ...rig.entry.credential, priority: 7, profileArn: "arn of the operator" }
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(asking)
      const { credential } = rig.entry
      assert.strictEqual(credential.priority, 7)
      assert.strictEqual(credential.profileArn, "arn of the operator")
      if (!isSignedIn(credential)) return assert.fail("the kind has changed")
      assert.strictEqual(Redacted.value(credential.refreshToken), "refresh of a")
      assert.deepStrictEqual(credential.expiresAt, refreshed(1).expiresAt)
    })
  )

  it.effect("keeps tokens that could not be stored, and stores them before anybody uses them", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      yield* Ref.set(rig.storageWorks, false)
      assert.strictEqual((yield* Effect.flip(rig.token)).kind, "unavailable")
      assert.strictEqual((yield* Effect.flip(rig.replace("access of a"))).kind, "unavailable")
      assert.deepStrictEqual(rig.calls, ["refresh of a"])
      yield* Ref.set(rig.storageWorks, true)
      assert.strictEqual(yield* rig.token, "access 1")
      assert.deepStrictEqual(rig.stored, ["access 1"])
      assert.strictEqual(yield* rig.replace("access 1"), "access 2")
      assert.deepStrictEqual(rig.calls, ["refresh of a", "refresh 1"])
    })
  )

  it.effect("refreshes with the kept token where the kept access token has expired meanwhile", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        answer: (n) => Effect.succeed(n === 1 ? refreshed(n, { expiresAt: soon(60) }) : refreshed(n))
      })
      yield* Ref.set(rig.storageWorks, false)
      yield* Effect.flip(rig.token)
      yield* TestClock.adjust("2 hours")
      yield* Ref.set(rig.storageWorks, true)
      assert.strictEqual(yield* rig.token, "access 2")
      assert.deepStrictEqual(rig.calls, ["refresh of a", "refresh 1"])
    })
  )

  it.effect("tries once more to store what is kept when the pool closes", () =>
    Effect.gen(function* () {
      const stored = yield* Effect.scoped(
        Effect.gen(function* () {
          const rig = yield* makeRig()
          yield* Ref.set(rig.storageWorks, false)
          yield* Effect.flip(rig.token)
          yield* Ref.set(rig.storageWorks, true)
          return rig.stored
        })
      )
      assert.deepStrictEqual(stored, ["access 1"])
    })
  )

  it.effect("takes a token that has expired already for a failure, but keeps what was rotated", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        answer: (n) => Effect.succeed(n === 1 ? refreshed(n, { expiresAt: start }) : refreshed(n))
      })
      assert.strictEqual((yield* Effect.flip(rig.token)).kind, "refused")
      assert.deepStrictEqual(rig.reports, ["refused"])
      assert.strictEqual(yield* rig.token, "access 2")
      assert.deepStrictEqual(rig.calls, ["refresh of a", "refresh 1"])
    })
  )

  it.effect("does not take the rejected token for a new one", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        answer: (n) => Effect.succeed(refreshed(n, { accessToken: Redacted.make("access of a") }))
      })
      assert.strictEqual((yield* Effect.flip(rig.replace("access of a"))).kind, "refused")
      assert.strictEqual(rig.calls.length, 1)
    })
  )

  it.effect("tells everyone who waits of a failure, reports it once, and tries again for the next", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const rig = yield* makeRig({
        gate,
        answer: (n) => (n === 1 ? Effect.fail(failure("unavailable")) : Effect.succeed(refreshed(n)))
      })
      const asking = yield* Effect.forkChild(
        Effect.all([Effect.flip(rig.token), Effect.flip(rig.token)], { concurrency: "unbounded" })
      )
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(
        (yield* Fiber.join(asking)).map(({ kind }) => kind),
        ["unavailable", "unavailable"]
      )
      assert.deepStrictEqual(rig.reports, ["unavailable"])
      assert.strictEqual(yield* rig.token, "access 2")
    })
  )

  it.effect("gives new tokens to an operator whatever the age of the present ones", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ credential: social("a", { expiresAt: soon(600) }) })
      yield* rig.tokens.force(rig.entry)
      assert.strictEqual(yield* rig.token, "access 1")
    })
  )

  describe("in the background", () => {
    const used = { ...untouched, lastUsedAt: start }
    const keep = Effect.fnUntraced(function* (entry: ReturnType<typeof makeEntry>) {
      const rig = yield* makeRig()
      yield* Effect.forkChild(TokenRefresh.keepFresh(rig.tokens, [entry]))
      yield* TestClock.adjust("10 minutes")
      return rig.calls
    })

    it.effect("are renewed ten minutes before they expire, so that no request waits", () =>
      Effect.gen(function* () {
        const entry = makeEntry(social("a", { expiresAt: soon(19) }), used, 1, true)
        assert.lengthOf(yield* keep(entry), 1)
        assert.deepStrictEqual(isSignedIn(entry.credential) ? entry.credential.expiresAt : null, refreshed(1).expiresAt)
      })
    )

    it.effect("are left alone where the credential is off, is not in use, or has time", () =>
      Effect.gen(function* () {
        const expiring = social("a", { expiresAt: soon(5) })
        const off = { ...used, disabled: { reason: "manual", until: null } } as const
        assert.lengthOf(yield* keep(makeEntry(expiring, off, 1, true)), 0)
        assert.lengthOf(yield* keep(makeEntry(expiring, untouched, 1, true)), 0)
        const longAgo = { ...untouched, lastUsedAt: DateTime.subtract(start, { days: 2 }) }
        assert.lengthOf(yield* keep(makeEntry(expiring, longAgo, 1, true)), 0)
        assert.lengthOf(yield* keep(makeEntry(social("a", { expiresAt: soon(60) }), used, 1, true)), 0)
      })
    )
  })
})
