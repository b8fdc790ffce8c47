import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Scope } from "effect"
import { mostListeners } from "../../src/admin/EventListeners.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import { intent, record } from "../ledger/Records.ts"
import { social } from "../storage/StoreCases.ts"
import { ask, errorOf, makeAdminRig } from "./AdminRig.ts"
import { readEvents } from "./EventReader.ts"

const path = "/api/admin/events"

describe("GET /api/admin/events", () => {
  it.live("tells of credentials, requests and settings as they change, without a secret", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a"), social("b")] })
      const reader = yield* readEvents(rig, path)
      assert.strictEqual(reader.status, 200)
      yield* reader.until(/^: heartbeat\n\n/)
      const a = CredentialId.make("a")
      yield* rig.pool.operations.setDisabled(a, true)
      assert.match(
        yield* reader.until(/event: credential/),
        /id: \d+\nevent: credential\ndata: {"id":"a","credential":{"id":"a",.*"disabled":true/
      )
      yield* rig.pool.operations.remove(a)
      yield* reader.until(/{"id":"a","credential":null}/)
      const open = yield* Effect.orDie(rig.ledger.open(intent("req_1"), () => null))
      open.settle(record("req_1"))
      assert.match(
        yield* reader.until(/event: request/),
        /event: request\ndata: {"id":"req_1","time":"1970.*"attempts":\[/
      )
      yield* ask(rig, "/api/admin/config/pool", { method: "PUT", body: { mode: "balanced" } })
      yield* reader.until(/event: settings\ndata: {"sections":\["pool"\]}/)
      const proxy = { url: "http://127.0.0.1:1", username: "SECRET user", password: "SECRET" }
      yield* ask(rig, "/api/admin/config/groups", { body: { id: "eu", proxy } })
      const text = yield* reader.until(/{"sections":\["groups"\]}/)
      assert.notInclude(text, "SECRET")
      assert.notInclude(text, "access of")
      const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
      assert.deepStrictEqual(
        ids,
        ids.toSorted((a, b) => a - b)
      )
    }).pipe(Effect.scoped)
  )

  it.live("tells a credential that changes many times in a moment once, as it is then", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      const reader = yield* readEvents(rig, path)
      for (let priority = 1; priority <= 20; priority++) {
        yield* Effect.orDie(rig.pool.operations.setPriority(CredentialId.make("a"), priority))
      }
      const text = yield* reader.until(/"priority":20,/)
      assert.isAtMost(text.match(/event: credential/g)?.length ?? 0, 2)
    }).pipe(Effect.scoped)
  )

  it.live("cuts who does not read, and waits for nobody", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const slow = yield* readEvents(rig, path)
      yield* slow.until(/heartbeat/)
      slow.pause()
      const message = "x".repeat(10_000)
      // More than sockets hold between them.
      for (let n = 0; n < 3_000; n++) {
        const open = yield* Effect.orDie(rig.ledger.open(intent(`req_${n}`), () => null))
        open.settle(record(`req_${n}`, { outcome: "failed", error: { type: "api_error", message } }))
        if (n % 20 === 0) yield* ask(rig, "/api/admin/docs/reference.css")
      }
      slow.resume()
      const text = yield* slow.until(/event: cut/)
      assert.match(text, /event: cut\ndata: {"reason":"slow"}\n\n$/)
      yield* slow.until(/never/)
      assert.isTrue(slow.ended())
      assert.isBelow(text.match(/event: request/g)?.length ?? 0, 3_000)
    }).pipe(Effect.scoped)
  )

  it.live("is 429 for the thirty-third, until one goes away", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Effect.forEach(Array.from({ length: mostListeners }), () => readEvents(rig, path), { concurrency: 8 })
          const refused = yield* ask(rig, path)
          assert.strictEqual(refused.status, 429)
          assert.strictEqual(errorOf(refused), "rate_limit_error: 32 listen already")
        })
      )
      const again = (yield* readEvents(rig, path)).until(/heartbeat/)
      assert.include(yield* Effect.repeat(again, { until: (text) => text.startsWith(": heartbeat") }), "heartbeat")
    }).pipe(Effect.scoped)
  )

  it.live("ends with the gateway, which does not wait for who listens", () =>
    Effect.gen(function* () {
      const gateway = yield* Scope.make()
      const rig = yield* Scope.provide(makeAdminRig(), gateway)
      const reader = yield* readEvents(rig, path)
      yield* reader.until(/heartbeat/)
      const [took] = yield* Effect.timed(Scope.close(gateway, Exit.void))
      yield* reader.until(/never/)
      assert.match(reader.text(), /event: cut\ndata: {"reason":"stopping"}\n\n$/)
      assert.isBelow(Duration.toSeconds(took), 3)
    }).pipe(Effect.scoped)
  )

  it.live("asks for the admin key", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      assert.strictEqual((yield* ask(rig, path, { key: null })).status, 401)
    })
  )
})
