import { assert, describe, it } from "@effect/vitest"
import { DateTime, Redacted, Result, Schema } from "effect"
import { page, type Snapshot } from "../../src/admin/CredentialList.ts"
import type { CredentialQuery } from "../../src/admin/CredentialSchema.ts"
import { untouched } from "../../src/credential/CredentialStore.ts"
import { GroupId } from "../../src/message/Ids.ts"
import { social, used } from "../storage/StoreCases.ts"

type Status = Snapshot["credentials"][number]

const status = (id: string, changes: Partial<Status> = {}, priority = 0): Status => {
  const credential = social(id, { priority, label: `Label of ${id}`, email: `${id}@example.test` })
  return {
    id: credential.id,
    credential,
    health: untouched,
    disabled: false,
    cooling: false,
    outstanding: 0,
    borrowed: 0,
    limit: null,
    expiresAt: null,
    proxySource: "none",
    rateLimits: null,
    ...changes
  }
}

const snapshot = (credentials: ReadonlyArray<Status>): Snapshot => ({
  credentials,
  available: credentials.filter(({ cooling, disabled }) => !cooling && !disabled).length,
  currentId: credentials[0]?.id ?? null,
  outstanding: 0,
  queued: 0
})

const list = (credentials: ReadonlyArray<Status>, query: CredentialQuery = {}, groups: ReadonlyArray<GroupId> = []) =>
  Result.getOrThrow(page(snapshot(credentials), groups, query))

const ids = (credentials: ReadonlyArray<Status>, query: CredentialQuery = {}) =>
  list(credentials, query).credentials.map(({ id }) => String(id))

/** Every page, one after another. `between` may change the pool while the pages are read. */
const pages = (
  credentials: ReadonlyArray<Status>,
  limit: string,
  between: (credentials: ReadonlyArray<Status>) => ReadonlyArray<Status> = (same) => same
): ReadonlyArray<ReadonlyArray<string>> => {
  const first = list(credentials, { limit })
  const read = [first.credentials.map(({ id }) => String(id))]
  let [pool, next] = [credentials, first.nextCursor]
  while (next !== null) {
    pool = between(pool)
    const { credentials: rows, nextCursor } = list(pool, { limit, cursor: next })
    read.push(rows.map(({ id }) => String(id)))
    next = nextCursor
  }
  return read
}

describe("a list of credentials", () => {
  it("shows what upstreams told of their limits", () => {
    const told = new Map([
      ["requests", { limit: 50, remaining: 0, resetsAt: Date.UTC(2026, 0, 1) }],
      ["tokens", { limit: null, remaining: null, resetsAt: null }]
    ])
    const [first, second] = list([status("a", { rateLimits: told }), status("b")]).credentials
    assert.deepStrictEqual(first?.rateLimits, {
      requests: { limit: 50, remaining: 0, resetsAt: DateTime.makeUnsafe("2026-01-01T00:00:00Z") },
      tokens: { limit: null, remaining: null, resetsAt: null }
    })
    assert.isNull(second?.rateLimits)
  })

  it("stands in the order of priority, then of id", () => {
    assert.deepStrictEqual(ids([status("c", {}, 1), status("b"), status("a", {}, 1), status("d", {}, -1)]), [
      "d",
      "b",
      "a",
      "c"
    ])
  })

  it.prop(
    "comes in pages that hold each credential once",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -3, maximum: 3 }))),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 7 }))
    ],
    ([priorities, limit]) => {
      const all = priorities.map((priority, index) => status(`id-${index}`, {}, priority))
      const read = pages(all, String(limit))
      assert.deepStrictEqual(read.flat(), ids(all))
      for (const rows of read.slice(0, -1)) assert.strictEqual(rows.length, limit)
      assert.isTrue(all.length === 0 || (read.at(-1)?.length ?? 0) > 0)
    }
  )

  it("moves no credential past a page or to it twice while others come and go", () => {
    const all = ["b", "d", "f", "h", "j"].map((id) => status(id))
    const read = pages(all, "2", (pool) => [...pool.filter(({ id }) => id !== "b" && id !== "d"), status("a")])
    assert.deepStrictEqual(read.flat(), ["b", "d", "f", "h", "j"])
  })

  it("has up to 1,000 without a limit, and says where it goes on", () => {
    const all = Array.from({ length: 1_001 }, (_, index) => status(`id-${index}`))
    const whole = list(all, { limit: "" })
    assert.strictEqual(whole.credentials.length, 1_000)
    assert.strictEqual(whole.total, 1_001)
    assert.strictEqual(list(all, { cursor: whole.nextCursor ?? "" }).credentials.length, 1)
    assert.isNull(list(all.slice(1)).nextCursor)
  })

  it("is narrowed by state, where disabled goes before cooling", () => {
    const all = [
      status("ready"),
      status("cooling", { cooling: true }),
      status("disabled", { disabled: true }),
      status("both", { disabled: true, cooling: true })
    ]
    assert.deepStrictEqual(ids(all, { state: "ready" }), ["ready"])
    assert.deepStrictEqual(ids(all, { state: "cooling" }), ["cooling"])
    assert.deepStrictEqual(ids(all, { state: "disabled" }), ["both", "disabled"])
    assert.strictEqual(ids(all, { state: "" }).length, 4)
  })

  it("is narrowed by text in id, label or email, whatever the letter case", () => {
    const bare = status("x")
    const all = [
      status("Alpha"),
      status("beta"),
      { ...bare, credential: { ...bare.credential, label: null, email: null } }
    ]
    assert.deepStrictEqual(ids(all, { q: "ALPHA" }), ["Alpha"])
    assert.deepStrictEqual(ids(all, { q: "label OF b" }), ["beta"])
    assert.deepStrictEqual(ids(all, { q: "beta@example" }), ["beta"])
    assert.deepStrictEqual(ids(all, { q: "nobody" }), [])
  })

  it("has totals over all, whatever it shows", () => {
    const eu = GroupId.make("eu")
    const inGroup = (id: string, group: string, changes: Partial<Status> = {}) => {
      const plain = status(id, changes)
      return { ...plain, credential: { ...plain.credential, group: GroupId.make(group) } }
    }
    const all = [inGroup("a", "eu"), inGroup("b", "eu", { cooling: true }), inGroup("c", "gone"), status("d")]
    const shown = list(all, { group: "eu", limit: "1" }, [eu, GroupId.make("empty")])
    assert.deepStrictEqual([shown.total, shown.available, String(shown.currentId)], [4, 3, "a"])
    assert.deepStrictEqual(
      shown.credentials.map(({ id }) => String(id)),
      ["a"]
    )
    assert.deepStrictEqual(
      shown.groups.map(({ available, id, total }) => [String(id), total, available]),
      [
        ["eu", 2, 1],
        ["empty", 0, 0],
        ["gone", 1, 1]
      ]
    )
  })

  it.prop("refuses a cursor that it did not give, naming the field", [Schema.String], ([text]) => {
    const refused = page(snapshot([status("a")]), [], { cursor: `!${text}` })
    assert.isTrue(Result.isFailure(refused) && refused.failure.startsWith("cursor: "))
  })

  it("shows a cooldown and a reason only while they hold, and no secret", () => {
    const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
    const [holds, passed] = list([
      status("1", { health: used, disabled: true, cooling: true, outstanding: 2, limit: 4, expiresAt: at }),
      status("2", { health: used })
    ]).credentials
    assert.strictEqual(holds?.disabledReason, "quota_exceeded")
    assert.deepStrictEqual(holds?.permits, { limit: 4, outstanding: 2 })
    assert.strictEqual(holds?.cooldown?.directoryKey, "d-1")
    assert.isNull(passed?.disabledReason)
    assert.isNull(passed?.cooldown)
    assert.isFalse(Object.values(holds ?? {}).some(Redacted.isRedacted))
  })
})
