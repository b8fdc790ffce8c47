import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schema, Scope } from "effect"
import { type AdminRig, ask, errorOf, makeAdminRig, refreshed, refusing } from "./AdminRig.ts"
import { readEvents } from "./EventReader.ts"
import { social } from "../storage/StoreCases.ts"

const list = "/api/admin/credentials"
const token = (name: string) => `SECRET-${name}:`.padEnd(120, "r")
const add = (rig: AdminRig, body: unknown, query = "") => ask(rig, `${list}${query}`, { method: "POST", body })
const importing = (rig: AdminRig, body: unknown, query = "") =>
  ask(rig, `${list}/import${query}`, { method: "POST", body })

const Results = Schema.Struct({
  results: Schema.Array(
    Schema.Struct({
      row: Schema.Int,
      status: Schema.String,
      id: Schema.optionalKey(Schema.String),
      message: Schema.optionalKey(Schema.String)
    })
  )
})
const resultsOf = (json: unknown) => Schema.decodeUnknownSync(Results)(json).results
const ids = (rig: AdminRig) =>
  Effect.map(rig.pool.snapshot, ({ credentials }) => credentials.map(({ id }) => String(id)))

describe("POST /api/admin/credentials", () => {
  it.effect("adds one that passes its refresh, with the new tokens", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const answer = yield* add(rig, { refreshToken: token("a"), email: "a@example.test" })
      assert.strictEqual(answer.status, 200, answer.text)
      const [id] = yield* ids(rig)
      assert.deepStrictEqual(answer.json, { id, email: "a@example.test" })
      assert.notInclude(answer.text, "SECRET")
      const again = yield* add(rig, { refreshToken: token("a") })
      assert.strictEqual(again.status, 400)
      assert.strictEqual(errorOf(again), `invalid_request_error: refreshToken: is here already, as ${id}`)
    })
  )

  it.effect("keeps nothing of one that fails it, and says why", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ refresh: refusing("rejected") })
      const answer = yield* add(rig, { refreshToken: token("a") })
      assert.strictEqual(answer.status, 400)
      assert.match(
        errorOf(answer),
        /^invalid_request_error: refreshToken: could not be verified: the identity provider/
      )
      assert.notInclude(answer.text, "SECRET")
      assert.deepStrictEqual(yield* ids(rig), [])
      assert.isFalse(yield* rig.store.everHeldOne)
      assert.strictEqual((yield* add(rig, { refreshToken: token("a") }, "?verify=false")).status, 200)
    })
  )

  it.effect("is 400 for what is no credential, naming the field and no value", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ refresh: Effect.die("not to be asked") })
      for (const [body, message] of [
        ["{SECRET", "the body: the file is not valid JSON"],
        ["", "the body: holds no credential"],
        [[], "the body: holds no credential"],
        [[{ kiroApiKey: "ksk_SECRET" }, { kiroApiKey: "ksk_SECRET2" }], "the body: holds 2 rows where one"],
        [{ refreshToken: "SECRET" }, "refreshToken looks incomplete"],
        [{ refreshToken: token("a"), region: "SECRET" }, "region must be a region"],
        [{ kind: "anthropic", apiKey: "env:SECRET_NAME" }, "apiKey: the environment is read for files"],
        [
          { refreshToken: token("a"), clientId: "c", authMethod: "external_idp", tokenEndpoint: "https://evil.test/t" },
          "tokenEndpoint: "
        ]
      ] as const) {
        const answer = yield* add(rig, body)
        assert.strictEqual(answer.status, 400, answer.text)
        assert.include(errorOf(answer), `invalid_request_error: ${message}`)
        assert.notInclude(answer.text, "SECRET-")
      }
      assert.match(errorOf(yield* add(rig, {}, "?verify=maybe")), /^invalid_request_error: verify: expected /)
    })
  )
})

describe("POST /api/admin/credentials/import", () => {
  it.effect("answers with a result for each row, whatever wraps them", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const proxied = { kiroApiKey: "ksk_SECRET", proxyUrl: "http://127.0.0.1:1" }
      const answer = yield* importing(rig, {
        accounts: [{ refresh_token: token("a") }, proxied, { refreshToken: "x" }]
      })
      const [first, second] = yield* ids(rig)
      assert.deepStrictEqual(resultsOf(answer.json), [
        { row: 1, status: "added", id: first ?? "" },
        {
          row: 2,
          status: "added",
          id: second ?? "",
          message: "proxyUrl was not taken over: proxies of imported rows are not allowed here"
        },
        { row: 3, status: "invalid", message: "refreshToken looks incomplete; sign in again and import it anew" }
      ])
      const allowed = yield* importing(rig, { ...proxied, kiroApiKey: "ksk_2" }, "?allowProxy=true")
      assert.isUndefined(resultsOf(allowed.json)[0]?.message)
      assert.include((yield* ask(rig, list)).text, '"proxySource":"credential"')
    })
  )

  it.effect("names what of kiro.rs's configuration is not taken over", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const answer = yield* importing(rig, { host: "0.0.0.0", adminApiKey: "SECRET", loadBalancingMode: "balanced" })
      assert.deepStrictEqual(
        resultsOf(answer.json).map(({ status }) => status),
        ["invalid", "invalid", "invalid"]
      )
      assert.include(answer.text, "loadBalancingMode of kiro.rs's configuration is not taken over: set pool.mode")
      assert.notInclude(answer.text, "SECRET")
    })
  )

  it.effect("keeps rows that fail their verification as unverified, or with strict does not", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ refresh: refusing("unavailable") })
      const strict = resultsOf((yield* importing(rig, { refreshToken: token("a") }, "?verify=strict")).json)
      assert.deepStrictEqual([strict[0]?.status, strict[0]?.id], ["unverified", undefined])
      const kept = resultsOf((yield* importing(rig, { refreshToken: token("a") })).json)
      assert.strictEqual(kept[0]?.status, "unverified")
      assert.deepStrictEqual(yield* ids(rig), [kept[0]?.id])
    })
  )

  it.live("takes 1,000 rows and no more, and leaves the event loop to others meanwhile", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const rows = Array.from({ length: 1_000 }, (_, n) => ({ refreshToken: token(`n${n}`).padEnd(2_000, "r") }))
      const many = yield* importing(rig, [...rows, { refreshToken: token("more") }])
      assert.strictEqual(
        errorOf(many),
        "invalid_request_error: the body: has 1001 rows; at most 1000 are taken at once"
      )
      const importer = yield* Effect.forkChild(importing(rig, rows))
      let others = 0
      while (importer.pollUnsafe() === undefined) {
        yield* ask(rig, "/api/admin/docs/reference.css")
        others++
      }
      const answer = yield* Fiber.join(importer)
      assert.strictEqual(resultsOf(answer.json).filter(({ status }) => status === "added").length, 1_000)
      assert.isAbove(others, 10)
      assert.strictEqual((yield* ids(rig)).length, 1_000)
    })
  )

  it.effect("is 413 past 8 MiB", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const answer = yield* importing(rig, " ".repeat(8 * 1_048_576 + 1))
      assert.deepStrictEqual(
        [answer.status, errorOf(answer)],
        [413, "request_too_large: the body is larger than 8 MiB"]
      )
    })
  )

  it.live("tells of each row as it comes to who asks for a stream, and then of all", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const rig = yield* makeAdminRig({ refresh: Effect.as(Deferred.await(gate), refreshed) })
      const body = JSON.stringify([{ kiroApiKey: "ksk_1" }, { refreshToken: token("a") }, { refreshToken: token("a") }])
      const reader = yield* readEvents(rig, `${list}/import`, { method: "POST", body })
      const first = yield* reader.until(/event: row/)
      assert.match(first, /^event: row\ndata: {"row":1,"status":"added","id":"[^"]+"}\n\n$/)
      yield* Deferred.succeed(gate, undefined)
      const text = yield* reader.until(/event: results/)
      assert.strictEqual(text.match(/event: row/g)?.length, 3)
      assert.match(text, /event: results\ndata: {"results":\[{"row":1,.*"row":3,"status":"duplicate"/)
      yield* reader.until(/never/)
      assert.isTrue(reader.ended())
      const audit = yield* ask(rig, "/api/admin/audit")
      assert.include(audit.text, '"after":{"added":2,"duplicate":1,"invalid":0,"unverified":0}')
    }).pipe(Effect.scoped)
  )

  it.live("stops where its client goes away, and records as far as it came", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const rig = yield* makeAdminRig({ refresh: Effect.as(Deferred.await(gate), refreshed) })
      const rows = Array.from({ length: 30 }, (_, n) => ({ refreshToken: token(`n${n}`) }))
      const client = yield* Scope.make()
      const body = JSON.stringify([{ kiroApiKey: "ksk_1" }, ...rows])
      const reader = yield* Scope.provide(readEvents(rig, `${list}/import`, { method: "POST", body }), client)
      yield* reader.until(/event: row/)
      yield* Scope.close(client, Exit.void)
      // By the time that others are answered, the server knows of it.
      for (let n = 0; n < 5; n++) yield* ask(rig, list)
      yield* Deferred.succeed(gate, undefined)
      const audit = yield* Effect.repeat(ask(rig, "/api/admin/audit"), { until: ({ text }) => text.includes("import") })
      assert.match(audit.text, /"after":{"added":\d,/)
      assert.isBelow((yield* ids(rig)).length, 12)
    }).pipe(Effect.scoped)
  )
})

describe("DELETE /api/admin/credentials/{id}", () => {
  it.effect("deletes a disabled one and nothing else", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      const remove = (id: string) => ask(rig, `${list}/${id}`, { method: "DELETE" })
      const refused = yield* remove("a")
      assert.strictEqual(refused.status, 400)
      assert.match(errorOf(refused), /^invalid_request_error: disabled: /)
      yield* ask(rig, `${list}/a/disabled`, { body: { disabled: true } })
      const deleted = yield* remove("a")
      assert.strictEqual(deleted.status, 200)
      assert.include(deleted.text, '"id":"a"')
      assert.strictEqual((yield* remove("a")).status, 404)
      assert.deepStrictEqual(yield* ids(rig), [])
    })
  )
})
