/** `weir serve`, `weir check` and the commands around them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ask, at, eventsOf, saying, scripted } from "../support/Ask.ts"
import { makeSimulator } from "../support/JudgedSimulator.ts"
import { folder, run, start } from "./WeirProcess.ts"

const key = "a-client-key-of-20-characters"

/** A folder with a configuration in it. */
const configured = Effect.fnUntraced(function* (config: object, files: Record<string, unknown> = {}) {
  const cwd = yield* folder
  const all = Object.entries({ "weir.jsonc": config, ...files })
  yield* Effect.forEach(all, ([name, content]) =>
    Effect.promise(() => writeFile(join(cwd, name), JSON.stringify(content)))
  )
  return cwd
})

const kiro = (url: string) => ({
  id: "kiro",
  kind: "kiro",
  endpoints: { api: url, socialRefresh: `${url}/refreshToken`, idcRefresh: `${url}/token` }
})

const serving = (more: object = {}) => ({
  server: { port: 0, lameDuck: "0 seconds" },
  auth: { clientKeys: [key] },
  ...more
})
const address = /serves on (http:\/\/127\.0\.0\.1:\d+)/

describe("weir serve", () => {
  it.live("says which key of the file is wrong and why, in one line, with exit code 1", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [config: object, line: RegExp]> = [
        [{ pool: { queueTimeot: "1 second" } }, /^weir: weir\.jsonc:\d+: pool\.queueTimeot: .*queueTimeout.*\n$/],
        [{ auth: { clientKeys: ["env:NOT_SET"] } }, /^weir: weir\.jsonc:\d+: auth\.clientKeys\[0\]: .*NOT_SET.*\n$/],
        [{ server: { host: "0.0.0.0" }, auth: { clientKeys: ["short"] } }, /^weir: .*auth\.clientKeys\[0\]: .*20.*\n$/],
        [{ server: { workers: 2 } }, /^weir: server\.workers: .*not acted on.*\n$/]
      ]
      for (const [config, line] of cases) {
        const cwd = yield* configured(config)
        const ran = yield* run(cwd, ["serve", "--config", "weir.jsonc"])
        assert.strictEqual(ran.code, 1, ran.stderr)
        assert.match(ran.stderr, line)
      }
      const none = yield* run(yield* folder, ["serve", "--config", "none.jsonc"])
      assert.deepStrictEqual([none.code, none.stderr], [1, "weir: none.jsonc: cannot be read (ENOENT)\n"])
    })
  )

  it.live("never serves the sandbox unless the file says so", () =>
    Effect.gen(function* () {
      const without = yield* start(yield* configured(serving()), ["serve", "--config", "weir.jsonc"])
      const url = yield* without.printed(address)
      const refused = yield* ask({ url }, "/v1/messages", { body: saying("Hi"), headers: { "x-api-key": key } })
      assert.deepStrictEqual([refused.status, at(refused.json, "error", "type")], [529, "overloaded_error"])
      const upstreams = [{ id: "try", kind: "sandbox" }]
      const with_ = yield* start(yield* configured(serving({ upstreams })), ["serve", "--config", "weir.jsonc"])
      const other = yield* with_.printed(address)
      const answer = yield* ask({ url: other }, "/v1/messages", { body: saying("Hi"), headers: { "x-api-key": key } })
      assert.deepStrictEqual([answer.status, answer.headers.get("weir-upstream")], [200, "try"])
    })
  )

  it.live("reads credential files at start and keeps a rotated token over a restart", () =>
    Effect.gen(function* () {
      const simulator = yield* makeSimulator()
      const refreshToken = `first-${"0".repeat(100)}`
      const credentials = [
        { refreshToken, authMethod: "social", profileArn: "arn:aws:codewhisperer:us-east-1:1:profile/X" }
      ]
      const config = serving({ upstreams: [kiro(simulator.url)], credentials: { files: ["./credentials.json"] } })
      const cwd = yield* configured(config, { "credentials.json": credentials })
      for (let restart = 0; restart < 2; restart++) {
        const weir = yield* start(cwd, ["serve", "--config", "weir.jsonc"])
        const url = yield* weir.printed(address)
        const answer = yield* ask({ url }, "/v1/messages", { body: saying("Hi"), headers: { "x-api-key": key } })
        assert.strictEqual(answer.status, 200, answer.text)
        weir.child.kill("SIGTERM")
        assert.strictEqual(yield* weir.exit, 0)
        assert.notInclude(weir.stdout() + weir.stderr(), refreshToken)
      }
      assert.deepStrictEqual([...(yield* simulator.refreshes).values()], [1], "no token was presented twice")
    })
  )

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it.live(`forgets no rest, reason or directory over a restart by ${signal}`, () =>
      Effect.gen(function* () {
        const simulator = yield* makeSimulator({
          rules: [
            { credential: "ksk_1", fail: "suspicious_activity" },
            { credential: "ksk_2", fail: "suspended" },
            { credential: "ksk_3", fail: "monthly_quota" }
          ]
        })
        const adminKey = "an-admin-key-of-20-characters"
        const config = serving({
          auth: { clientKeys: [key], adminKey },
          upstreams: [kiro(simulator.url)],
          credentials: { files: ["./credentials.json"] }
        })
        const cwd = yield* configured(config, {
          "credentials.json": ["ksk_1", "ksk_2", "ksk_3"].map((kiroApiKey, priority) => ({ kiroApiKey, priority }))
        })
        const health = Effect.fnUntraced(function* (url: string) {
          const { json } = yield* ask({ url }, "/api/admin/credentials", { headers: { "x-api-key": adminKey } })
          return [0, 1, 2].map((n) => {
            const cooldown = at(json, "credentials", n, "cooldown")
            return [at(json, "credentials", n, "disabledReason"), at(cooldown, "directoryKey"), at(cooldown, "until")]
          })
        })
        const before = yield* start(cwd, ["serve", "--config", "weir.jsonc"])
        const url = yield* before.printed(address)
        const refused = yield* ask({ url }, "/v1/messages", { body: saying("Hi"), headers: { "x-api-key": key } })
        assert.strictEqual(refused.status, 429, refused.text)
        const told = yield* health(url)
        assert.deepStrictEqual(
          told.map(([reason, directory]) => reason ?? directory),
          ["d-9067c98495", "account_suspended", "quota_exceeded"]
        )
        before.child.kill(signal)
        yield* before.exit
        const after = yield* start(cwd, ["serve", "--config", "weir.jsonc"])
        assert.deepStrictEqual(yield* health(yield* after.printed(address)), told)
        const calls = (yield* simulator.requests).filter(({ operation }) => operation === "generate").length
        const again = yield* ask({ url: yield* after.printed(address) }, "/v1/messages", {
          body: saying("Hi"),
          headers: { "x-api-key": key }
        })
        assert.strictEqual(again.status, 429)
        assert.lengthOf(
          (yield* simulator.requests).filter(({ operation }) => operation === "generate"),
          calls,
          "nothing is learned anew"
        )
      })
    )
  }

  it.live("lets running streams end after SIGTERM, refuses new requests, and exits with 0", () =>
    Effect.gen(function* () {
      const simulator = yield* makeSimulator()
      const config = { ...serving({ upstreams: [kiro(simulator.url)] }), server: { port: 0, lameDuck: "1 second" } }
      const weir = yield* start(yield* configured(config), ["serve", "--config", "weir.jsonc"], {
        KIRO_API_KEY: "ksk_1"
      })
      const url = yield* weir.printed(address)
      const headers = { "x-api-key": key }
      const steps = [{ text: "begun" }, { delay: 2000 }, { text: " and ended" }]
      const stream = yield* Effect.forkChild(
        ask({ url }, "/v1/messages", { body: scripted(steps, { stream: true }), headers })
      )
      yield* Effect.repeat(simulator.openStreams, { until: (open) => open === 1 })
      weir.child.kill("SIGTERM")
      yield* weir.printed(/Stopping/)
      assert.strictEqual((yield* ask({ url }, "/readyz")).status, 503)
      const refused = yield* ask({ url }, "/v1/messages", { body: saying("Hi"), headers })
      assert.strictEqual(refused.status, 529)
      assert.deepStrictEqual([refused.headers.get("retry-after"), refused.headers.get("connection")], ["1", "close"])
      const ended = yield* Fiber.join(stream)
      assert.match(ended.text, /and ended/)
      assert.strictEqual(eventsOf(ended.text).at(-1)?.event, "message_stop")
      assert.strictEqual(yield* weir.exit, 0)
    })
  )

  it.live("ends streams that outlive the drain with an error event", () =>
    Effect.gen(function* () {
      const simulator = yield* makeSimulator()
      const server = { port: 0, lameDuck: "0 seconds", drain: "200 millis" }
      const config = { ...serving({ upstreams: [kiro(simulator.url)] }), server }
      const weir = yield* start(yield* configured(config), ["serve", "--config", "weir.jsonc"], {
        KIRO_API_KEY: "ksk_1"
      })
      const url = yield* weir.printed(address)
      const body = scripted([{ text: "begun" }, { stall: true }], { stream: true })
      const stream = yield* Effect.forkChild(ask({ url }, "/v1/messages", { body, headers: { "x-api-key": key } }))
      yield* Effect.repeat(simulator.openStreams, { until: (open) => open === 1 })
      weir.child.kill("SIGTERM")
      const { text } = yield* Fiber.join(stream)
      assert.strictEqual(eventsOf(text).at(-1)?.event, "error")
      assert.strictEqual(yield* weir.exit, 0)
    })
  )

  it.live("ends at once at a second signal", () =>
    Effect.gen(function* () {
      const config = { ...serving(), server: { port: 0, lameDuck: "1 hour" } }
      const weir = yield* start(yield* configured(config), ["serve", "--config", "weir.jsonc"])
      yield* weir.printed(address)
      weir.child.kill("SIGTERM")
      yield* weir.printed(/Stopping/)
      weir.child.kill("SIGTERM")
      assert.strictEqual(yield* weir.exit, 1)
    })
  )
})

describe("weir check", () => {
  it.live("prints what a file comes to, secrets masked", () =>
    Effect.gen(function* () {
      const cwd = yield* configured(serving({ auth: { clientKeys: [key], adminKey: "env:ADMIN" } }))
      const ran = yield* run(cwd, ["check", "--config", "weir.jsonc"], { ADMIN: "an-admin-key" })
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.strictEqual(at(JSON.parse(ran.stdout), "retry", "maxAttempts"), 6)
      assert.notInclude(ran.stdout, key)
      assert.notInclude(ran.stdout, "an-admin-key")
    })
  )
})

describe("weir keys", () => {
  it.live("makes keys that the next start knows", () =>
    Effect.gen(function* () {
      const cwd = yield* configured(serving({ upstreams: [{ id: "try", kind: "sandbox" }] }))
      const config = ["--config", "weir.jsonc"]
      const made = yield* run(cwd, ["keys", "create", "laptop", ...config])
      assert.strictEqual(made.code, 0, made.stderr)
      const client = /(weir_\S+)/.exec(made.stdout)?.[1] ?? ""
      const admin = /(weir_admin_\S+)/.exec((yield* run(cwd, ["keys", "reset-admin", ...config])).stdout)?.[1] ?? ""
      const weir = yield* start(cwd, ["serve", ...config])
      const url = yield* weir.printed(address)
      assert.strictEqual((yield* ask({ url }, "/v1/models", { headers: { "x-api-key": client } })).status, 200)
      assert.strictEqual(
        (yield* ask({ url }, "/api/admin/credentials", { headers: { "x-api-key": admin } })).status,
        200
      )
      const locked = yield* run(cwd, ["keys", "create", "other", ...config])
      assert.strictEqual(locked.code, 2)
      assert.match(locked.stderr, /in use by process/)
    })
  )
})
