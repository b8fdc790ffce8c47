/** The admin API's requests about client keys, over a real socket. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { at } from "../support/Ask.ts"
import { adminKey, type AdminRig, ask, clientKey, errorOf, makeAdminRig } from "./AdminRig.ts"

const keys = "/api/admin/keys"
const create = (rig: AdminRig, body: unknown) => ask(rig, keys, { body })
const change = (rig: AdminRig, id: unknown, body: unknown) =>
  ask(rig, `${keys}/${String(id)}`, { method: "PATCH", body })
const remove = (rig: AdminRig, id: unknown) => ask(rig, `${keys}/${String(id)}`, { method: "DELETE" })
const list = (rig: AdminRig) =>
  Effect.map(ask(rig, keys), ({ json, status, text }): ReadonlyArray<unknown> => {
    assert.strictEqual(status, 200, text)
    const data = at(json, "data")
    return Array.isArray(data) ? data : assert.fail(text)
  })

const limits = {
  models: ["claude-*"],
  requestsPerMinute: 10,
  tokensPerMinute: 20_000,
  maxConcurrent: 3,
  budget: { tokens: 1_000_000, credits: null, per: "month" },
  expiresAt: "2030-01-01T00:00:00.000Z"
}
const none = {
  models: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  maxConcurrent: null,
  budget: null,
  expiresAt: null
}

describe("client keys", () => {
  it.effect("are shown once, when they are made, and listed with their limits and use ever after", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const made = yield* create(rig, { name: "Ann", ...limits, budget: { tokens: 1_000_000, per: "month" } })
      assert.strictEqual(made.status, 200, made.text)
      const key = String(at(made.json, "key"))
      assert.match(key, /^weir_[\w-]{43}$/)
      assert.deepInclude(made.json, { name: "Ann", disabled: false, source: "stored", ...limits })
      const plain = yield* create(rig, { name: "Bob" })
      assert.deepInclude(plain.json, { name: "Bob", ...none })
      const listed = yield* list(rig)
      assert.deepStrictEqual(
        listed.map((one) => [at(one, "name"), at(one, "source")]),
        [
          ["auth.clientKeys[0]", "file"],
          ["Ann", "stored"],
          ["Bob", "stored"]
        ]
      )
      assert.deepInclude(listed[1], { id: at(made.json, "id"), ...limits })
      assert.deepStrictEqual(at(listed[1], "use"), {
        minute: { requests: 0, tokens: 0 },
        requests: { limit: 10, remaining: 10, resetsAt: "1970-01-01T00:00:00.000Z" },
        tokens: { limit: 20_000, remaining: 20_000, resetsAt: "1970-01-01T00:00:00.000Z" },
        concurrent: 0,
        today: { tokens: 0, credits: 0 },
        thisMonth: { tokens: 0, credits: 0 },
        budget: {
          used: { tokens: 0, credits: 0 },
          left: { tokens: 1_000_000, credits: null },
          renewsAt: "1970-02-01T00:00:00.000Z"
        },
        lastUsedAt: null
      })
      const changed = yield* change(rig, at(made.json, "id"), { name: "Anna" })
      for (const text of [JSON.stringify(listed), changed.text]) {
        for (const secret of [key, clientKey, adminKey, "hash"]) assert.notInclude(text, secret)
      }
    })
  )

  it.effect("change in what is named alone; null takes a limit away", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const id = at((yield* create(rig, { name: "Ann", ...limits })).json, "id")
      const changed = yield* change(rig, id, {
        disabled: true,
        requestsPerMinute: null,
        budget: { credits: 0.5, per: "day" }
      })
      const expected = {
        ...limits,
        name: "Ann",
        disabled: true,
        requestsPerMinute: null,
        budget: { tokens: null, credits: 0.5, per: "day" }
      }
      assert.deepInclude(changed.json, expected)
      assert.deepInclude((yield* list(rig))[1], expected)
      assert.deepInclude((yield* change(rig, id, none)).json, { ...none, disabled: true })
      assert.deepInclude((yield* change(rig, id, { disabled: false, name: "Bob" })).json, {
        name: "Bob",
        disabled: false
      })
    })
  )

  it.effect("are deleted for good", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const id = at((yield* create(rig, { name: "Ann" })).json, "id")
      const removed = yield* remove(rig, id)
      assert.deepStrictEqual([removed.status, removed.text], [204, ""])
      assert.lengthOf(yield* list(rig), 1)
      for (const again of [yield* remove(rig, id), yield* change(rig, id, { name: "Bob" })]) {
        assert.deepStrictEqual([again.status, errorOf(again)], [404, "not_found_error: id: there is no such key"])
      }
    })
  )

  it.effect("of the configuration are neither changed nor deleted here", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const id = at((yield* list(rig))[0], "id")
      for (const refused of [yield* remove(rig, id), yield* change(rig, id, { disabled: true })]) {
        assert.strictEqual(refused.status, 400)
        assert.match(errorOf(refused), /^invalid_request_error: id: .*configuration/)
      }
      assert.isFalse(at((yield* list(rig))[0], "disabled"))
    })
  )

  it.effect("are refused by the name of the field that does not fit, and nothing changes", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const id = at((yield* create(rig, { name: "Ann", ...limits })).json, "id")
      const before = yield* list(rig)
      const cases: ReadonlyArray<readonly [body: object, field: string]> = [
        [{ name: "" }, "name: expected 1 to 100 printable characters"],
        [{ name: "a\nb" }, "name: expected 1 to 100 printable characters"],
        [{ name: 1 }, "name: expected"],
        [{ name: null }, "name: expected"],
        [{ models: [] }, "models: expected 1 to 100 patterns"],
        [{ models: "claude-*" }, "models: expected"],
        [{ models: ["a", ""] }, "models[1]: expected"],
        [{ requestsPerMinute: 0 }, "requestsPerMinute: expected a whole number from 1"],
        [{ requestsPerMinute: 1.5 }, "requestsPerMinute: expected"],
        [{ requestsPerMinute: "SECRET" }, "requestsPerMinute: expected"],
        [{ tokensPerMinute: -1 }, "tokensPerMinute: expected"],
        [{ maxConcurrent: 1e9 }, "maxConcurrent: expected"],
        [{ budget: { per: "day" } }, "budget: expected tokens, credits, or both"],
        [{ budget: { tokens: null, per: "day" } }, "budget: expected tokens, credits, or both"],
        [{ budget: { tokens: 1 } }, "budget.per: is missing"],
        [{ budget: { tokens: 1, per: "week" } }, 'budget.per: expected "day" or "month"'],
        [{ budget: { credits: 0, per: "day" } }, "budget.credits: expected"],
        [{ budget: { token: 1, per: "day" } }, 'budget.token: is not a known key; the nearest known key is "tokens"'],
        [{ expiresAt: "tomorrow" }, "expiresAt: "],
        [{ requestPerMinute: 1 }, "requestPerMinute: is not a known key"],
        [{ key: "SECRET" }, "key: is not a known key"]
      ]
      for (const [body, field] of cases) {
        for (const refused of [yield* create(rig, { name: "Ann", ...body }), yield* change(rig, id, body)]) {
          assert.strictEqual(refused.status, 400, JSON.stringify(body))
          assert.include(errorOf(refused), `invalid_request_error: ${field}`)
          assert.notInclude(refused.text, "SECRET")
        }
      }
      for (const body of [{ disabled: null }, { disabled: 1 }])
        assert.include(errorOf(yield* change(rig, id, body)), "disabled: expected true or false")
      assert.include(errorOf(yield* create(rig, {})), "name: is missing")
      assert.strictEqual((yield* ask(rig, keys, { key: null })).status, 401)
      assert.deepStrictEqual(yield* list(rig), before)
    })
  )
})
