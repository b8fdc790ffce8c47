import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { AdminApi } from "../../src/admin/AdminApi.ts"
import { social } from "../storage/StoreCases.ts"
import { type AdminRig, ask, errorOf, makeAdminRig, post } from "./AdminRig.ts"

const Page = Schema.Struct({
  data: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      time: Schema.String,
      who: Schema.String,
      method: Schema.String,
      path: Schema.String,
      ids: Schema.Array(Schema.String),
      before: Schema.Json,
      after: Schema.Json
    })
  ),
  nextCursor: Schema.NullOr(Schema.String)
})
const decode = Schema.decodeUnknownSync(Page)
const audit = (rig: AdminRig, query = "") =>
  Effect.map(ask(rig, `/api/admin/audit${query}`), ({ json }) => decode(json))

const a = "/api/admin/credentials/a"
const proxy = { url: "http://127.0.0.1:1", username: "SECRET user", password: "SECRET" }
const token = "SECRET:".padEnd(120, "r")

/** A call of each route that changes something, in an order in which all succeed. */
const changes: ReadonlyArray<readonly [method: string, path: string, body?: unknown]> = [
  ["POST", "/api/admin/credentials", { refreshToken: token }],
  ["POST", "/api/admin/credentials/import", [{ kiroApiKey: "ksk_SECRET" }, { kiroApiKey: 7 }]],
  ["POST", "/api/admin/config/groups", { id: "eu", proxy }],
  ["POST", `${a}/group`, { group: "eu" }],
  ["DELETE", "/api/admin/config/groups/eu"],
  ["POST", `${a}/priority`, { priority: 4 }],
  ["POST", `${a}/refresh`],
  ["POST", `${a}/disabled`, { disabled: true }],
  ["POST", `${a}/reset`],
  ["POST", `${a}/disabled`, { disabled: true }],
  ["DELETE", a],
  ["PUT", "/api/admin/config/pool", { mode: "balanced" }],
  ["DELETE", "/api/admin/config/pool/mode"],
  ["POST", "/api/admin/cache/clear"],
  ["POST", "/api/admin/keys", { name: "laptop", requestsPerMinute: 5 }],
  ["PATCH", "/api/admin/keys/MADE", { requestsPerMinute: null }],
  ["DELETE", "/api/admin/keys/MADE"]
]

const Made = Schema.Struct({ id: Schema.String })
const idOf = Schema.decodeUnknownOption(Made)

describe("the audit", () => {
  it.effect("has an entry of each change, with who, what, and what differed, and no secret", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      yield* TestClock.setTime(5_000)
      let made = ""
      for (const [method, path, body] of changes) {
        const at = path.replace("MADE", made)
        const answer = yield* ask(rig, at, { method, ...(body === undefined ? {} : { body }) })
        assert.isBelow(answer.status, 300, `${method} ${at}: ${answer.text}`)
        if (path.endsWith("/keys")) made = Option.getOrThrow(idOf(answer.json)).id
      }
      const { data, nextCursor } = yield* audit(rig)
      const told = data.toReversed()
      assert.deepStrictEqual(
        told.map(({ method, path }) => [method, path]),
        changes.map(([method, path]) => [method, path.replace("MADE", made)])
      )
      assert.isNull(nextCursor)
      assert.isTrue(told.every(({ time, who }) => time === "1970-01-01T00:00:05.000Z" && who === "auth.adminKey"))
      assert.notInclude(JSON.stringify(data), "SECRET")
      const of = (path: string, index = 0) => told.filter((one) => one.path === path)[index] ?? assert.fail(path)
      assert.deepStrictEqual(of(`${a}/priority`).before, { priority: 0 })
      assert.deepStrictEqual(of(`${a}/priority`).after, { priority: 4 })
      assert.deepStrictEqual(of(`${a}/priority`).ids, ["a"])
      assert.deepStrictEqual(of("/api/admin/config/pool").after, { mode: "balanced" })
      assert.deepStrictEqual(of("/api/admin/config/pool/mode").before, { mode: "balanced" })
      assert.deepStrictEqual(of("/api/admin/config/groups/eu").after, null)
      assert.deepStrictEqual(of("/api/admin/credentials/import").after, {
        added: 1,
        duplicate: 0,
        invalid: 1,
        unverified: 0
      })
      assert.strictEqual(of("/api/admin/credentials").ids.length, 1)
      assert.deepStrictEqual(of(`/api/admin/keys/${made}`).before, { requestsPerMinute: 5 })
      assert.deepStrictEqual(of(`/api/admin/keys/${made}`).after, { requestsPerMinute: null })
      assert.deepStrictEqual(of("/api/admin/keys").ids, [made])
    })
  )

  it("was asked to record every route that changes something", () => {
    const routes = Object.values(AdminApi.groups).flatMap((group) =>
      Object.values(group.endpoints).flatMap(({ method, path }) =>
        String(method) === "GET" ? [] : [`${method} ${path}`]
      )
    )
    const called = (route: string) => {
      const [method, path = ""] = route.split(" ")
      const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`)
      return changes.some(([m, p]) => m === method && pattern.test(p))
    }
    assert.deepStrictEqual(
      routes.filter((route) => !called(route)),
      []
    )
  })

  it.effect("has none of what was refused, or only read", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      yield* post(rig, `${a}/priority`, { body: { priority: "x" } })
      yield* post(rig, `${a}/priority`, { key: "wrong", body: { priority: 1 } })
      yield* ask(rig, a, { method: "DELETE" })
      yield* ask(rig, "/api/admin/credentials/nobody", { method: "DELETE" })
      yield* ask(rig, "/api/admin/credentials")
      assert.deepStrictEqual(yield* audit(rig), { data: [], nextCursor: null })
    })
  )

  it.effect("is read by page, the newest first", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      for (let priority = 1; priority <= 5; priority++) yield* post(rig, `${a}/priority`, { body: { priority } })
      const first = yield* audit(rig, "?limit=3")
      const second = yield* audit(rig, `?limit=3&cursor=${first.nextCursor}`)
      assert.deepStrictEqual(
        [...first.data, ...second.data].map(({ id }) => id),
        ["5", "4", "3", "2", "1"]
      )
      assert.isNull(second.nextCursor)
      assert.match(errorOf(yield* ask(rig, "/api/admin/audit?cursor=x")), /^invalid_request_error: cursor: /)
    })
  )

  it.effect("that cannot be written fails no change", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")], auditWorks: false })
      const answer = yield* post(rig, `${a}/priority`, { body: { priority: 3 } })
      assert.strictEqual(answer.status, 200)
      assert.include(answer.text, '"priority":3')
      assert.strictEqual((yield* ask(rig, "/api/admin/audit")).status, 500)
    })
  )
})
