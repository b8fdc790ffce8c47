/** `weir` with PostgreSQL as its storage. */
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { addressOf, ask as tell, describePostgres, emptyDatabase, nameOf, password } from "../storage/TestPostgres.ts"
import { ask, at, saying } from "../support/Ask.ts"
import { folder, run, start } from "./WeirProcess.ts"

const key = "a-client-key-of-20-characters"
const adminKey = "an-admin-key-of-20-characters"
const masterKey = Buffer.alloc(32, 5).toString("base64")

/** A folder with a configuration that keeps everything in a database of its own. */
const configured = Effect.fnUntraced(function* (storage: object = {}) {
  const [cwd, url] = [yield* folder, yield* emptyDatabase]
  const config = {
    server: { port: 0, lameDuck: "0 seconds" },
    auth: { clientKeys: [key], adminKey },
    storage: { url: "env:DATABASE", ...storage },
    upstreams: [
      { id: "sandbox", kind: "sandbox" },
      { id: "kiro", kind: "kiro" }
    ]
  }
  yield* Effect.promise(() => writeFile(join(cwd, "weir.jsonc"), JSON.stringify(config)))
  return { cwd, url, env: { DATABASE: url, WEIR_MASTER_KEY: masterKey } }
})

const command = (...words: ReadonlyArray<string>) => [...words, "--config", "weir.jsonc"]

/** Its exit code and what it printed, in which no secret may stand. */
const ran = (cwd: string, env: Record<string, string>, ...words: ReadonlyArray<string>) =>
  Effect.map(run(cwd, command(...words), env), ({ code, stderr, stdout }) => {
    for (const secret of [password, masterKey]) assert.notInclude(stdout + stderr, secret)
    return { code, text: stdout + stderr }
  })

describePostgres("weir on PostgreSQL", () => {
  it.live(
    "serves, keeps others out, says when the database is away, and serves again with it",
    () =>
      Effect.gen(function* () {
        const { cwd, env, url: database } = yield* configured()
        const weir = yield* start(cwd, command("serve"), env)
        const url = yield* weir.printed(/serves on (http:\/\/127\.0\.0\.1:\d+)/)
        const request = ask({ url }, "/v1/messages", { headers: { "x-api-key": key }, body: saying("Hi") })
        const readyz = Effect.map(ask({ url }, "/readyz"), ({ status }) => status)
        const until = (status: number) =>
          Effect.repeat(readyz, { schedule: Schedule.spaced("50 millis"), until: (found) => found === status })

        const answer = yield* request
        assert.strictEqual(answer.status, 200, answer.text)
        const id = answer.headers.get("request-id") ?? ""
        const kept = yield* ask({ url }, `/api/admin/requests/${id}`, { headers: { "x-api-key": adminKey } })
        assert.deepStrictEqual([kept.status, at(kept.json, "outcome")], [200, "ok"])

        for (const words of [["serve"], ["keys", "create", "Mine"]]) {
          const other = yield* ran(cwd, env, ...words)
          assert.strictEqual(other.code, 2)
          assert.match(
            other.text,
            new RegExp(`^weir: Storage at postgres://.* is in use by process ${weir.child.pid} on `)
          )
        }

        assert.strictEqual(yield* readyz, 200)
        const name = nameOf(database)
        yield* tell(
          addressOf("postgres"),
          `alter database ${name} allow_connections false`,
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`
        )
        yield* until(503)
        const refused = yield* request
        assert.deepStrictEqual([refused.status, at(refused.json, "error", "type")], [529, "overloaded_error"])
        yield* tell(addressOf("postgres"), `alter database ${name} allow_connections true`)
        yield* until(200)
        assert.strictEqual((yield* request).status, 200)

        weir.child.kill("SIGTERM")
        assert.strictEqual(yield* weir.exit, 0)
        const printed = weir.stdout() + weir.stderr()
        assert.include(printed, "The lock of the database is lost")
        for (const secret of [password, masterKey]) assert.notInclude(printed, secret)
        assert.lengthOf(yield* Effect.promise(() => readdir(join(cwd, "data"))), 1)
      }),
    120_000
  )

  it.live(
    "works with keys, credentials and the master key in a file, without a server",
    () =>
      Effect.gen(function* () {
        const { cwd, url } = yield* configured({ masterKeyFile: "./weir.key" })
        const env = { DATABASE: url }
        yield* Effect.promise(() =>
          writeFile(join(cwd, "keys.json"), JSON.stringify([{ kiroApiKey: "ksk_0123456789" }]))
        )
        const made = yield* ran(cwd, env, "keys", "create", "Mine")
        assert.match(made.text, /^Client key, shown this once: \S{20,}\n$/)
        assert.match((yield* ran(cwd, env, "credentials", "import", "keys.json")).text, /1 added/)
        assert.match(
          (yield* ran(cwd, env, "master-key", "rotate")).text,
          /^1 secrets are sealed under the new master key/
        )
        const listed = yield* ran(cwd, env, "credentials", "list")
        assert.match(listed.text, /api_key +0 +ready/)
        assert.notInclude(listed.text, "ksk_0123456789")
      }),
    120_000
  )

  it.live(
    "says in one line why it cannot serve, with exit code 2",
    () =>
      Effect.gen(function* () {
        const { cwd, env, url } = yield* configured()
        const cases: ReadonlyArray<readonly [env: Record<string, string>, line: RegExp]> = [
          [{ DATABASE: url }, /it needs a master key: set WEIR_MASTER_KEY \(.*\) or storage\.masterKeyFile\n$/],
          [{ ...env, DATABASE: url.replace(/:\d+\//, ":1/") }, /the server cannot be reached \(ECONNREFUSED\)\n$/]
        ]
        for (const [given, line] of cases) {
          const { code, text } = yield* ran(cwd, given, "serve")
          assert.strictEqual(code, 2)
          assert.match(text, line)
          assert.match(text, /^weir: Storage at postgres:\/\/127\.0\.0\.1:\d+\/\w+ is unusable: [^\n]+\n$/)
        }
      }),
    120_000
  )
})
