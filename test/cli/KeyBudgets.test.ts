/** What a key has used of its budget is remembered, however the process ends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ask, at, saying } from "../support/Ask.ts"
import { folder, start } from "./WeirProcess.ts"

const adminKey = "an-admin-key-of-20-characters"

const config = {
  server: { port: 0, lameDuck: "0 seconds" },
  auth: { adminKey },
  upstreams: [{ id: "sandbox", kind: "sandbox" }]
}

describe("a budget", () => {
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    it.live(
      `is as used after ${signal} and a new start as it was before`,
      () =>
        Effect.gen(function* () {
          const cwd = yield* folder
          yield* Effect.promise(() => writeFile(join(cwd, "weir.jsonc"), JSON.stringify(config)))
          const run = Effect.gen(function* () {
            const weir = yield* start(cwd, ["serve", "--config", "weir.jsonc"])
            const url = yield* weir.printed(/serves on (http:\/\/127\.0\.0\.1:\d+)/)
            const admin = (method: string, body?: unknown) =>
              ask({ url }, "/api/admin/keys", { method, headers: { "x-api-key": adminKey }, body })
            return { weir, url, admin }
          })
          const messages = (url: string, key: string) =>
            ask({ url }, "/v1/messages", { headers: { "x-api-key": key }, body: saying("Hi") })
          const budget = { tokens: 1, per: "month" }
          const before = yield* Effect.scoped(
            Effect.gen(function* () {
              const { admin, url, weir } = yield* run
              const key = String(at((yield* admin("POST", { name: "one", maxConcurrent: 1, budget })).json, "key"))
              const answer = yield* messages(url, key)
              assert.strictEqual(answer.status, 200, answer.text)
              const use = at((yield* admin("GET")).json, "data", 0, "use")
              weir.child.kill(signal)
              yield* weir.exit
              return { key, use }
            })
          )
          const { admin, url } = yield* run
          const refused = yield* messages(url, before.key)
          assert.strictEqual(refused.status, 429, refused.text)
          assert.strictEqual(at(refused.json, "error", "message"), "this key's budget of the month is used up")
          const after = at((yield* admin("GET")).json, "data", 0)
          assert.strictEqual(at(after, "maxConcurrent"), 1)
          assert.isAbove(Number(at(before.use, "budget", "used", "tokens")), 1)
          for (const member of ["budget", "today", "thisMonth", "lastUsedAt"])
            assert.deepStrictEqual(at(after, "use", member), at(before.use, member), member)
        }),
      60_000
    )
  }
})
