import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { TestClock } from "effect/testing"
import { AdminApi } from "../../src/admin/AdminApi.ts"
import { anyNeed } from "../../src/credential/Eligibility.ts"
import type { Credential } from "../../src/message/Credential.ts"
import { CredentialId, UpstreamId } from "../../src/message/Ids.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { everyKind, social } from "../storage/StoreCases.ts"
import { adminKey, ask, errorOf, makeAdminRig, post, refreshed, refusing, type AdminRig } from "./AdminRig.ts"

const one = "/api/admin/credentials/social"
const list = "/api/admin/credentials"

/** Every secret of a credential is known by this word. */
const marked: ReadonlyArray<Credential> = everyKind.map((credential) => {
  if (credential.kind === "api_key") return { ...credential, apiKey: Redacted.make("SECRET key") }
  if (credential.kind === "anthropic") return { ...credential, secret: Redacted.make("SECRET key") }
  return {
    ...credential,
    accessToken: Redacted.make("SECRET access"),
    refreshToken: Redacted.make("SECRET refresh"),
    ...(credential.kind === "idc" ? { clientSecret: Redacted.make("SECRET client") } : {})
  }
})

const Page = Schema.Struct({
  total: Schema.Int,
  available: Schema.Int,
  currentId: Schema.NullOr(Schema.String),
  credentials: Schema.Array(Schema.Struct({ id: Schema.String })),
  nextCursor: Schema.NullOr(Schema.String)
})
const pageOf = Schema.decodeUnknownSync(Page)

const client = (rig: AdminRig) =>
  HttpApiClient.make(AdminApi, {
    baseUrl: rig.url,
    transformClient: HttpClient.mapRequest(HttpClientRequest.setHeader("x-api-key", adminKey))
  }).pipe(Effect.provide(FetchHttpClient.layer))

describe("GET /api/admin/credentials", () => {
  it.effect("answers with every member of the contract", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a", { label: "A", email: "a@example.test" })] })
      const { json, status } = yield* ask(rig, list)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(json, {
        total: 1,
        available: 1,
        currentId: "a",
        groups: [],
        credentials: [
          {
            id: "a",
            upstream: "kiro",
            kind: "social",
            label: "A",
            email: "a@example.test",
            priority: 0,
            disabled: false,
            disabledReason: null,
            inflight: 0,
            permits: { limit: 4, outstanding: 0 },
            successCount: 0,
            failureCount: 0,
            refreshFailureCount: 0,
            transientFailureCount: 0,
            lastUsedAt: null,
            expiresAt: "2026-01-01T00:00:00.000Z",
            group: null,
            proxySource: "none",
            rateLimits: null,
            cooldown: null,
            subscription: null
          }
        ],
        nextCursor: null
      })
    })
  )

  it.effect("names a key by its kind, and a key never expires", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const { text } = yield* ask(rig, `${list}?q=anthropic`)
      assert.include(text, `"id":"anthropic","upstream":"anthropic","kind":"anthropic"`)
      assert.include(text, `"expiresAt":null`)
      assert.notInclude(text, "sk-ant-")
    })
  )

  it.effect("shows a cooldown until it is over", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* Effect.orDie(rig.pool.lease(anyNeed))
          const reason = {
            kind: "rate_limit",
            status: 429,
            scope: "credential",
            directoryKey: null,
            retryAfterMs: 60_000,
            message: "slow down"
          } as const
          yield* rig.pool.report(lease, { kind: "failure", reason, need: anyNeed, mayRetrySame: false })
        })
      )
      const { json } = yield* ask(rig, `${list}?state=cooling`)
      assert.deepStrictEqual(pageOf(json).available, 0)
      const cooldown = {
        until: "1970-01-01T00:01:00.000Z",
        reason: "rate_limit",
        directoryKey: null,
        scope: "credential"
      }
      assert.include(JSON.stringify(json), JSON.stringify(cooldown))
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(pageOf((yield* ask(rig, `${list}?state=ready`)).json).credentials.length, 1)
    })
  )

  it.effect("answers page by page, narrowed as asked; empty parameters do not narrow", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const whole = pageOf((yield* ask(rig, `${list}?limit=&cursor=&state=&group=&q=`)).json)
      assert.deepStrictEqual(
        whole.credentials.map(({ id }) => id),
        ["anthropic", "api", "ext", "idc", "social"]
      )
      const first = pageOf((yield* ask(rig, `${list}?limit=3`)).json)
      const second = pageOf((yield* ask(rig, `${list}?limit=3&cursor=${first.nextCursor}`)).json)
      assert.deepStrictEqual([...first.credentials, ...second.credentials], whole.credentials)
      assert.deepStrictEqual([second.total, second.nextCursor], [5, null])
      const found = pageOf((yield* ask(rig, `${list}?q=DEV%40example&group=eu&state=ready`)).json)
      assert.deepStrictEqual([found.credentials, found.total], [[{ id: "idc" }], 5])
    })
  )

  it.effect("is 400 for what is no limit, state or cursor, and names the field", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      for (const [field, value] of [
        ["limit", "0"],
        ["limit", "-1"],
        ["limit", "1001"],
        ["limit", "1.5"],
        ["limit", "ten"],
        ["limit", "1&limit=2"],
        ["state", "broken"],
        ["cursor", "!"],
        ["cursor", "e30"],
        ["cursor", "x".repeat(2_000)],
        ["q", "x".repeat(257)]
      ]) {
        const answer = yield* ask(rig, `${list}?${field}=${value}`)
        assert.strictEqual(answer.status, 400, `${field}=${value}`)
        assert.match(errorOf(answer), new RegExp(`^invalid_request_error: ${field}: .`))
      }
      assert.strictEqual(
        errorOf(yield* ask(rig, `${list}?limit=0`)),
        "invalid_request_error: limit: expected a whole number from 1 to 1000"
      )
      assert.strictEqual(
        errorOf(yield* ask(rig, `${list}?state=x`)),
        `invalid_request_error: state: expected "ready", "cooling" or "disabled"`
      )
    })
  )
})

describe("what changes a credential", () => {
  it.effect("disables and enables, and answers with the credential after it", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const off = yield* post(rig, `${one}/disabled`, { body: { disabled: true } })
      assert.strictEqual(off.status, 200)
      assert.include(off.text, `"disabled":true,"disabledReason":"manual"`)
      assert.strictEqual((yield* rig.pool.snapshot).available, 4)
      const on = yield* post(rig, `${one}/disabled`, { body: { disabled: false } })
      assert.include(on.text, `"disabled":false,"disabledReason":null`)
      assert.strictEqual((yield* rig.pool.snapshot).available, 5)
    })
  )

  it.effect("sets a priority that the next request goes by", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      assert.include((yield* post(rig, `${one}/priority`, { body: { priority: -5 } })).text, `"priority":-5`)
      assert.strictEqual((yield* rig.pool.snapshot).currentId, CredentialId.make("social"))
    })
  )

  it.effect("resets what was disabled", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      yield* post(rig, `${one}/disabled`, { body: { disabled: true } })
      const reset = yield* post(rig, `${one}/reset`)
      assert.deepStrictEqual([reset.status, (yield* rig.pool.snapshot).available], [200, 5])
    })
  )

  it.effect("gets a new token", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const answer = yield* post(rig, `${one}/refresh`)
      assert.strictEqual(answer.status, 200)
      assert.include(answer.text, DateTime.formatIso(refreshed.expiresAt))
    })
  )

  it.effect("is 400 for a body that does not fit, names the field and repeats no value", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      for (const [path, body, message] of [
        ["disabled", { disabled: "SECRET" }, "disabled: expected true or false"],
        ["disabled", {}, "disabled: is missing"],
        ["disabled", [], "the body: "],
        ["disabled", "", "the body: expected JSON"],
        ["disabled", "{SECRET", "the body: expected JSON"],
        ["priority", { priority: 1.5 }, "priority: expected "],
        ["priority", { priority: 1e9 }, "priority: expected "],
        ["priority", { priority: "1" }, "priority: expected "],
        ["priority", { priority: null }, "priority: expected "]
      ] as const) {
        const answer = yield* post(rig, `${one}/${path}`, { body })
        assert.strictEqual(answer.status, 400, JSON.stringify(body))
        assert.include(errorOf(answer), `invalid_request_error: ${message}`)
        assert.notInclude(answer.text, "SECRET")
      }
    })
  )

  it.effect("takes JSON under any content type", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const headers = { "content-type": "application/x-www-form-urlencoded" }
      assert.strictEqual((yield* post(rig, `${one}/disabled`, { body: { disabled: true }, headers })).status, 200)
    })
  )

  it.effect("is 413 for a body of more than 1 MiB, whether its length is announced or not", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const padded = (length: number) => `{"disabled":true}${" ".repeat(length - 17)}`
      assert.strictEqual((yield* post(rig, `${one}/disabled`, { body: padded(1_048_576) })).status, 200)
      for (const headers of [{ "content-length": "1048577" }, { "transfer-encoding": "chunked" }]) {
        const answer = yield* post(rig, `${one}/disabled`, { body: padded(1_048_577), headers })
        assert.strictEqual(answer.status, 413)
        assert.match(errorOf(answer), /^request_too_large: /)
      }
    })
  )

  it.effect("is 404 for an id that nothing has", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      for (const [path, body] of [
        ["disabled", { disabled: true }],
        ["priority", { priority: 1 }],
        ["reset", undefined],
        ["refresh", undefined]
      ] as const) {
        const answer = yield* post(rig, `${list}/nobody/${path}`, { body })
        assert.strictEqual(answer.status, 404, path)
        assert.strictEqual(errorOf(answer), "not_found_error: id: there is no such credential")
      }
    })
  )

  it.effect("is 404 for the stand-in that the pool does not show, and leaves it as it is", () =>
    Effect.gen(function* () {
      const hidden = social("hidden", { upstream: UpstreamId.make("sandbox") })
      const rig = yield* makeAdminRig({ credentials: [hidden], refresh: Effect.die("not to be called") })
      assert.strictEqual(pageOf((yield* ask(rig, list)).json).total, 0)
      assert.strictEqual((yield* post(rig, `${list}/hidden/refresh`)).status, 404)
    })
  )

  it.effect("is 500 where the change could not be stored, without the storage's words", () =>
    Effect.gen(function* () {
      const cause = new Error("SECRET of the storage")
      const rig = yield* makeAdminRig({
        credentials: everyKind,
        update: Effect.fail(new StorageError({ operation: "update", cause }))
      })
      const answer = yield* post(rig, `${one}/priority`, { body: { priority: 7 } })
      assert.strictEqual(answer.status, 500)
      assert.strictEqual(errorOf(answer), "api_error: internal error of the gateway")
      assert.notInclude((yield* ask(rig, list)).text, `"priority":7`)
    })
  )

  it.effect("is 400 where there is nothing to refresh", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      for (const id of ["api", "anthropic"]) {
        const answer = yield* post(rig, `${list}/${id}/refresh`)
        assert.strictEqual(answer.status, 400)
        assert.match(errorOf(answer), /^invalid_request_error: id: not refreshable/)
      }
    })
  )

  for (const kind of ["rejected", "incomplete", "refused", "unavailable"] as const) {
    it.effect(`is 502 where the identity provider gives no token (${kind}), without its words`, () =>
      Effect.gen(function* () {
        const rig = yield* makeAdminRig({ credentials: everyKind, refresh: refusing(kind) })
        const answer = yield* post(rig, `${one}/refresh`)
        assert.strictEqual(answer.status, 502)
        assert.match(errorOf(answer), /^api_error: ./)
        assert.notInclude(answer.text, "SECRET")
      })
    )
  }
})

describe("the admin key", () => {
  it.effect("is taken from x-api-key or as a bearer; either will do", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const bearer = { authorization: `Bearer ${adminKey}` }
      assert.strictEqual((yield* ask(rig, list)).status, 200)
      assert.strictEqual((yield* ask(rig, list, { key: null, headers: bearer })).status, 200)
      assert.strictEqual((yield* ask(rig, list, { key: "wrong", headers: bearer })).status, 200)
    })
  )

  it.effect("is asked for on every path of the API, before anything else is looked at", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const answers = [
        yield* ask(rig, `${list}?limit=0`, { key: null }),
        yield* post(rig, `${one}/disabled`, { key: null, body: { disabled: true } }),
        yield* post(rig, `${one}/priority`, { key: null, body: { priority: 1 } }),
        yield* post(rig, `${one}/reset`, { key: null }),
        yield* post(rig, `${one}/refresh`, { key: "wrong" })
      ]
      for (const answer of answers) {
        assert.strictEqual(answer.status, 401)
        assert.match(errorOf(answer), /^authentication_error: /)
      }
      assert.strictEqual((yield* rig.pool.snapshot).available, 5)
    })
  )

  it.effect("may be wrong ten times a minute from one address; a right one is never refused", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const wrong = Effect.map(ask(rig, list, { key: "wrong" }), ({ status }) => status)
      for (let i = 0; i < 10; i++) assert.strictEqual(yield* wrong, 401)
      const refused = yield* ask(rig, list, { key: "wrong" })
      assert.deepStrictEqual([refused.status, refused.headers["retry-after"]], [429, "60"])
      assert.match(errorOf(refused), /^rate_limit_error: /)
      assert.strictEqual((yield* ask(rig, list)).status, 200)
      assert.strictEqual((yield* ask(rig, list, { key: null })).status, 401)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* wrong, 429)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* wrong, 401)
    })
  )

  it.effect("is not asked for where there is none: everything is 404", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ adminKey: null, credentials: everyKind })
      for (const path of [list, "/api/admin/openapi.json", "/api/admin/docs", "/api/admin/docs/reference.js"]) {
        const answer = yield* ask(rig, path)
        assert.strictEqual(answer.status, 404, path)
        assert.match(errorOf(answer), /^not_found_error: /)
      }
    })
  )
})

describe("everything under /api/admin", () => {
  const paths = [list, "/api/admin", "/api/admin/nothing", "/api/admin/openapi.json", "/api/admin/docs"]

  it.effect("is 403 under a name that is not known, also with the right key", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      for (const path of [...paths, "/api/admin/docs/reference.js", "/api/admin/docs/reference.css"]) {
        const answer = yield* ask(rig, path, { headers: { host: "evil.example.com" } })
        assert.strictEqual(answer.status, 403, path)
        assert.match(errorOf(answer), /^permission_error: /)
      }
      assert.strictEqual((yield* ask(rig, list, { headers: { host: "gateway.lan:8990" } })).status, 200)
    })
  )

  it.effect("is 403 under such a name also while the API is off", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ adminKey: null })
      assert.strictEqual((yield* ask(rig, list, { headers: { host: "evil.example.com" } })).status, 403)
    })
  )

  it.effect("is 404 in JSON where there is no such path", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      for (const [method, path] of [
        ["GET", "/api/admin"],
        ["GET", "/api/admin/nothing"],
        ["POST", `${list}//reset`]
      ] as const) {
        const answer = yield* ask(rig, path, { method })
        assert.strictEqual(answer.status, 404, `${method} ${path}`)
        assert.match(errorOf(answer), /^not_found_error: /)
      }
    })
  )

  it.effect("is 405 where a path takes other methods, and names them", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      for (const [method, path, allow] of [
        ["DELETE", list, "GET, POST"],
        ["OPTIONS", list, "GET, POST"],
        ["GET", `${one}/disabled?x=1`, "POST"],
        ["POST", "/api/admin/config/pool", "GET, PUT"],
        ["PUT", "/api/admin/events", "GET"]
      ] as const) {
        const answer = yield* ask(rig, path, { method })
        assert.deepStrictEqual([answer.status, answer.headers["allow"]], [405, allow], `${method} ${path}`)
        assert.strictEqual(errorOf(answer), `invalid_request_error: this path takes ${allow}`)
      }
    })
  )

  it.effect("has no CORS header and the headers that keep a browser safe", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      for (const [method, path] of [...paths.map((path) => ["GET", path] as const), ["OPTIONS", list] as const]) {
        const headers = { origin: "https://evil.example.com", "access-control-request-method": "POST" }
        const answer = yield* ask(rig, path, { method, headers })
        assert.deepStrictEqual(
          Object.keys(answer.headers).filter((name) => name.startsWith("access-control")),
          [],
          path
        )
        assert.strictEqual(answer.headers["content-security-policy"], "default-src 'self'; frame-ancestors 'none'")
        assert.strictEqual(answer.headers["x-content-type-options"], "nosniff")
        assert.strictEqual(answer.headers["referrer-policy"], "no-referrer")
      }
    })
  )

  it.effect("holds no secret in any answer, header or body", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: marked })
      const answers = [
        yield* ask(rig, list),
        yield* ask(rig, `${list}?q=SECRET`),
        yield* ask(rig, `${list}?cursor=SECRET`),
        ...(yield* Effect.forEach(marked, ({ id }) => post(rig, `${list}/${id}/refresh`))),
        ...(yield* Effect.forEach(marked, ({ id }) => post(rig, `${list}/${id}/reset`))),
        yield* post(rig, `${one}/priority`, { body: { priority: "SECRET" } }),
        yield* ask(rig, list, { key: "SECRET" }),
        yield* ask(rig, list)
      ]
      for (const { headers, text } of answers) {
        assert.notInclude(text + JSON.stringify(headers), "SECRET")
        assert.notInclude(text + JSON.stringify(headers), adminKey)
      }
      assert.strictEqual(pageOf(answers.at(-1)?.json).total, marked.length)
    })
  )
})

describe("the OpenAPI document", () => {
  const Document = Schema.Struct({
    openapi: Schema.String,
    paths: Schema.Record(
      Schema.String,
      Schema.Record(Schema.String, Schema.Struct({ security: Schema.Array(Schema.Unknown) }))
    ),
    components: Schema.Struct({ securitySchemes: Schema.Record(Schema.String, Schema.Unknown) })
  })

  it.effect("is JSON, lists every path and says which keys are taken", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const { headers, json } = yield* ask(rig, "/api/admin/openapi.json", { key: null })
      assert.match(String(headers["content-type"]), /^application\/json/)
      const document = Schema.decodeUnknownSync(Document)(json)
      assert.match(document.openapi, /^3\.1\./)
      assert.deepStrictEqual(
        Object.entries(document.paths).flatMap(([path, methods]) =>
          Object.keys(methods).map((method) => `${method} ${path}`)
        ),
        [
          "get /api/admin/credentials",
          "post /api/admin/credentials",
          "post /api/admin/credentials/{id}/disabled",
          "post /api/admin/credentials/{id}/priority",
          "post /api/admin/credentials/{id}/group",
          "delete /api/admin/credentials/{id}",
          "get /api/admin/credentials/{id}/balance",
          "post /api/admin/credentials/{id}/reset",
          "post /api/admin/credentials/{id}/refresh",
          "post /api/admin/credentials/import",
          "get /api/admin/pool/explain",
          "get /api/admin/cache/stats",
          "post /api/admin/cache/clear",
          "get /api/admin/requests",
          "get /api/admin/requests/{id}",
          "get /api/admin/keys",
          "post /api/admin/keys",
          "patch /api/admin/keys/{id}",
          "delete /api/admin/keys/{id}",
          "get /api/admin/config/groups",
          "post /api/admin/config/groups",
          "delete /api/admin/config/groups/{id}",
          "get /api/admin/config/{section}",
          "put /api/admin/config/{section}",
          "delete /api/admin/config/{section}/{member}",
          "get /api/admin/metrics/summary",
          "get /api/admin/events",
          "get /api/admin/audit"
        ]
      )
      assert.deepStrictEqual(Object.keys(document.components.securitySchemes), ["apiKey", "bearer"])
      for (const methods of Object.values(document.paths)) {
        for (const { security } of Object.values(methods)) {
          assert.deepStrictEqual(security, [{ apiKey: [] }, { bearer: [] }])
        }
      }
    })
  )
})

describe("a client made from the definition", () => {
  it.effect("reads answers", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind })
      const { credentials } = yield* client(rig)
      const all = yield* credentials.list({ query: { limit: "2" } })
      assert.deepStrictEqual([all.total, all.credentials.length], [5, 2])
      assert.isTrue(all.credentials.every(({ expiresAt }) => expiresAt === null || DateTime.isDateTime(expiresAt)))
      const id = CredentialId.make("social")
      const off = yield* credentials.setDisabled({ params: { id }, payload: { disabled: true } })
      assert.strictEqual(off.disabledReason, "manual")
      assert.strictEqual((yield* credentials.setPriority({ params: { id }, payload: { priority: 9 } })).priority, 9)
      assert.isFalse((yield* credentials.reset({ params: { id } })).disabled)
      assert.deepStrictEqual((yield* credentials.refresh({ params: { id } })).expiresAt, refreshed.expiresAt)
    })
  )

  it.effect("reads errors and tells them apart", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: everyKind, refresh: refusing("rejected") })
      const { credentials } = yield* client(rig)
      const refresh = (id: string) => Effect.flip(credentials.refresh({ params: { id: CredentialId.make(id) } }))
      assert.strictEqual((yield* refresh("social"))._tag, "RefreshFailed")
      assert.strictEqual((yield* refresh("nobody"))._tag, "NotFound")
      assert.strictEqual((yield* refresh("api"))._tag, "BadRequest")
      const wrong = yield* HttpApiClient.make(AdminApi, { baseUrl: rig.url }).pipe(
        Effect.provide(FetchHttpClient.layer)
      )
      assert.strictEqual((yield* Effect.flip(wrong.credentials.list({ query: {} })))._tag, "Unauthenticated")
    })
  )
})
