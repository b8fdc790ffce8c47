import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { social } from "../storage/StoreCases.ts"
import { GroupId, UpstreamId } from "../../src/message/Ids.ts"
import { ask, type AdminRig, errorOf, makeAdminRig } from "./AdminRig.ts"

const config = "/api/admin/config"
const put = (rig: AdminRig, path: string, body: unknown) => ask(rig, `${config}/${path}`, { method: "PUT", body })
const remove = (rig: AdminRig, path: string) => ask(rig, `${config}/${path}`, { method: "DELETE" })

describe("settings", () => {
  it.live("show each member with its origin, change at once, and go back to the file's value", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const shown = yield* ask(rig, `${config}/retry`)
      assert.strictEqual(shown.status, 200)
      assert.deepInclude(shown.json, { origin: Object.fromEntries(retry.map((member) => [member, "default"])) })
      const changed = yield* put(rig, "retry", { maxAttempts: 2 })
      assert.strictEqual(changed.status, 200, changed.text)
      assert.include(changed.text, '"maxAttempts":2')
      assert.include(changed.text, '"maxAttempts":"stored"')
      assert.strictEqual(rig.settings.current().retry.maxAttempts, 2)
      const back = yield* remove(rig, "retry/maxAttempts")
      assert.include(back.text, '"maxAttempts":"default"')
      assert.strictEqual(rig.settings.current().retry.maxAttempts, 6)
    })
  )

  it.live("are every hot section, under its name in the path", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      for (const section of ["pool", "retry", "cooldown", "cache", "models", "system-prompt"]) {
        assert.strictEqual((yield* ask(rig, `${config}/${section}`)).status, 200, section)
      }
      const changed = yield* put(rig, "system-prompt", { append: "Be kind." })
      assert.strictEqual(changed.status, 200, changed.text)
      assert.strictEqual(rig.settings.current().systemPrompt.append, "Be kind.")
      const renamed = yield* put(rig, "cache", { perceivedCacheHitRatio: 0.5 })
      assert.include(renamed.text, '"reportedReadRatio":0.5')
    })
  )

  it.live("that do not fit are refused by name, and nothing changes", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      for (const [path, body, told] of [
        ["pool", { mode: "random" }, "mode: "],
        ["pool", { queueTimeout: "-1 seconds" }, "queueTimeout: "],
        ["pool", { queueTimeuot: "1 second" }, "queueTimeuot: "],
        ["pool", [], "pool: "],
        ["cooldown", { enabled: null }, "enabled: "]
      ] as const) {
        const refused = yield* put(rig, path, body)
        assert.strictEqual(refused.status, 400, refused.text)
        assert.include(errorOf(refused), `invalid_request_error: ${told}`)
      }
      assert.strictEqual((yield* ask(rig, `${config}/nonsense`)).status, 400)
      assert.strictEqual((yield* remove(rig, "pool/nonsense")).status, 400)
      assert.strictEqual((yield* put(rig, "pool", "{")).status, 400)
      assert.strictEqual(rig.settings.current().pool.mode, "priority")
    })
  )
})

const retry = ["maxAttempts", "maxAttemptsPerCredential", "budget", "headerTimeout", "idleTimeout"]

describe("groups", () => {
  it.live("are added, changed and deleted, and a deleted one leaves its members without", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      const added = yield* ask(rig, `${config}/groups`, { body: { id: "eu" } })
      assert.deepStrictEqual(added.json, {
        data: [{ id: "eu", proxy: { url: "direct" }, proxyAccount: false, origin: "stored" }]
      })
      const proxy = { url: "http://127.0.0.1:1", username: "SECRET user", password: "SECRET" }
      const changed = yield* ask(rig, `${config}/groups`, { body: { id: "eu", proxy } })
      assert.include(changed.text, "http://127.0.0.1:1")
      assert.include(changed.text, '"proxyAccount":true')
      assert.notInclude(changed.text, "SECRET")

      const joined = yield* ask(rig, "/api/admin/credentials/a/group", { body: { group: "eu" } })
      assert.deepInclude(joined.json, { group: GroupId.make("eu") })
      const unknown = yield* ask(rig, "/api/admin/credentials/a/group", { body: { group: "us" } })
      assert.strictEqual(errorOf(unknown), "invalid_request_error: group: there is no such group")
      assert.strictEqual((yield* ask(rig, "/api/admin/credentials/x/group", { body: { group: null } })).status, 404)

      assert.deepStrictEqual((yield* remove(rig, "groups/eu")).json, { data: [] })
      const left = (yield* rig.pool.snapshot).credentials[0]
      assert.isNull(left?.credential.group)
      assert.strictEqual((yield* remove(rig, "groups/eu")).status, 404)
      assert.strictEqual((yield* ask(rig, `${config}/groups`, { body: { proxy } })).status, 400)
    })
  )
})

describe("the pool", () => {
  it.live("explains who would serve, and what speaks against each of the others", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a"), social("b", { priority: 1 })] })
      const first = yield* ask(rig, "/api/admin/pool/explain?model=claude-sonnet-4-5")
      assert.deepInclude(first.json, {
        chosen: "a",
        because: "the lowest priority number",
        soonest: null,
        nextCursor: null
      })
      yield* rig.pool.operations.setDisabled(social("a").id, true)
      const second = yield* ask(rig, "/api/admin/pool/explain?limit=1")
      assert.deepInclude(second.json, {
        chosen: "b",
        counts: { eligible: 1, cooldown: 0, disabled: 1, full: 0, model: 0, group: 0, tried: 0 },
        credentials: [
          { id: "a", eligible: false, cachedTokens: 0, reasons: [{ kind: "disabled", detail: "manual", until: null }] }
        ],
        nextCursor: "1"
      })
      const rest = yield* ask(rig, "/api/admin/pool/explain?limit=1&cursor=1")
      assert.deepInclude(rest.json, {
        credentials: [{ id: "b", eligible: true, cachedTokens: 0, reasons: [] }],
        nextCursor: null
      })
      assert.strictEqual((yield* ask(rig, "/api/admin/pool/explain?limit=0")).status, 400)
    })
  )

  it.live("explains by the route of the model, upstream by upstream", () =>
    Effect.gen(function* () {
      const other = UpstreamId.make("other")
      const rig = yield* makeAdminRig({ credentials: [social("z", { upstream: other }), social("a", { priority: 1 })] })
      const path = "/api/admin/pool/explain?model=claude-sonnet-4-5"
      assert.deepInclude((yield* ask(rig, path)).json, { chosen: "a", because: "no other can serve" })
      yield* rig.pool.operations.setDisabled(social("a").id, true)
      const because = "kiro: 1 is disabled; other: no other can serve"
      assert.deepInclude((yield* ask(rig, path)).json, { chosen: "z", because })
      const routed = yield* put(rig, "models", { routes: { "claude-sonnet-*": ["kiro"] } })
      assert.strictEqual(routed.status, 200, routed.text)
      assert.deepInclude((yield* ask(rig, path)).json, {
        chosen: null,
        counts: { eligible: 0, cooldown: 0, disabled: 1, full: 0, model: 1, group: 0, tried: 0 },
        credentials: [
          { id: "a", eligible: false, cachedTokens: 0, reasons: [{ kind: "disabled", detail: "manual", until: null }] },
          {
            id: "z",
            eligible: false,
            cachedTokens: 0,
            reasons: [{ kind: "model", detail: "its upstream is not asked for this model", until: null }]
          }
        ]
      })
      const refused = yield* put(rig, "models", { routes: { "claude-*": ["kiro", "nobody"] } })
      assert.strictEqual(refused.status, 400)
      assert.strictEqual(
        errorOf(refused),
        `invalid_request_error: routes["claude-*"][1]: names no upstream: "nobody"; there are "kiro"`
      )
    })
  )

  it.live("tells what is left of a plan", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a")] })
      const { json } = yield* ask(rig, "/api/admin/credentials/a/balance")
      assert.deepStrictEqual(json, {
        subscription: "KIRO PRO",
        email: "who@example.com",
        used: 3,
        limit: 10,
        remaining: 7,
        resetsAt: "2026-12-01T00:00:00.000Z"
      })
      const { json: credential } = yield* ask(rig, "/api/admin/credentials")
      assert.include(JSON.stringify(credential), "KIRO PRO")
      assert.strictEqual((yield* ask(rig, "/api/admin/credentials/x/balance")).status, 404)
    })
  )
})
