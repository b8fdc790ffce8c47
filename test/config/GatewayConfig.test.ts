import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { maskConfig } from "../../src/config/GatewayConfig.ts"
import { configOf, whyNot } from "./ConfigCases.ts"

const strong = "a-key-of-twenty-characters"

/** The defaults of the contract, as a file would write them, in the folder `/etc/weir`. */
const defaults = {
  server: {
    host: "127.0.0.1",
    port: 8990,
    lameDuck: "2 seconds",
    drain: "30 seconds",
    maxBody: "32 MiB",
    bodyTimeout: "1 minute",
    workers: 1,
    allowedHosts: [],
    corsOrigins: []
  },
  auth: { clientKeys: [], adminKey: null },
  storage: {
    url: "sqlite:/etc/weir/data/weir.db",
    masterKeyFile: "/etc/weir/data/master.key",
    journalFolder: "/etc/weir/data",
    retention: "30 days"
  },
  upstreams: [
    {
      id: "kiro",
      kind: "kiro",
      region: "us-east-1",
      headers: {},
      allowedTokenHosts: [],
      endpoints: {
        api: "https://q.{region}.amazonaws.com",
        socialRefresh: "https://prod.{region}.auth.desktop.kiro.dev/refreshToken",
        idcRefresh: "https://oidc.{region}.amazonaws.com/token"
      }
    }
  ],
  credentials: { files: [] },
  proxy: null,
  groups: [],
  pool: {
    mode: "priority",
    maxInflightPerCredential: 4,
    maxInflight: 0,
    whenFull: "queue",
    queueTimeout: "30 seconds",
    queueLimit: 256,
    stickyTtl: "1 hour",
    disableAfterFailures: 3
  },
  retry: {
    maxAttempts: 6,
    maxAttemptsPerCredential: 3,
    budget: "2 minutes",
    headerTimeout: "40 seconds",
    idleTimeout: "90 seconds"
  },
  cooldown: {
    enabled: true,
    rateLimit: "2 minutes",
    upstreamError: "30 seconds",
    timeout: "30 seconds",
    overage: "10 minutes",
    suspiciousActivity: "5 minutes",
    maxRetryAfter: "5 minutes"
  },
  cache: { enabled: true, native: true, estimate: true, capacity: 4096, reportedReadRatio: null },
  models: { aliases: {}, routes: {} },
  systemPrompt: { prepend: null, append: null },
  telemetry: { otlpUrl: null, traceSampling: 0.1, prometheus: true, logLevel: "Info", logFormat: "pretty" }
}

describe("GatewayConfig", () => {
  it.effect("fills in every default, from an empty file as for a quick start", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(maskConfig((yield* configOf({})).config), defaults)
      assert.deepStrictEqual(maskConfig(quickstartConfig("/etc/weir").config), defaults)
    })
  )

  it.effect("has the anthropic upstream's address by default", () =>
    Effect.gen(function* () {
      const { config } = yield* configOf({ upstreams: [{ id: "a", kind: "anthropic" }] })
      const [upstream] = config.upstreams
      assert.strictEqual(upstream?.kind === "anthropic" ? upstream.baseUrl : "", "https://api.anthropic.com")
    })
  )

  it.effect("refuses a short key together with a host that others can reach", () =>
    Effect.gen(function* () {
      const config = (host: string, client: string, admin: string) => ({
        server: { host },
        auth: { clientKeys: [strong, client], adminKey: admin }
      })
      const short = "only-19-characters-"
      assert.strictEqual(
        yield* whyNot(config("0.0.0.0", short, `${strong}.`)),
        'auth.clientKeys[1]: must have at least 20 characters, because server.host "0.0.0.0" is not loopback'
      )
      assert.match(yield* whyNot(config("::", strong, short)), /^auth\.adminKey: must have at least 20 characters/)
      assert.match(yield* whyNot(config("weir.example.test", strong, short)), /is not loopback$/)
      assert.strictEqual(yield* whyNot(config("0.0.0.0", `${short}+`, `${strong}.`)), "right")
      for (const host of ["127.0.0.1", "::1", "localhost"]) {
        assert.strictEqual(yield* whyNot(config(host, "short", "other")), "right")
      }
    })
  )

  it.effect("refuses an admin key that is a client's key too", () =>
    Effect.gen(function* () {
      const auth = { clientKeys: ["one", "env:SAME"], adminKey: "two" }
      assert.strictEqual(
        yield* whyNot({ auth }, { SAME: "two" }),
        "auth.adminKey: must differ from every key in auth.clientKeys"
      )
      assert.strictEqual(yield* whyNot({ auth }, { SAME: "three" }), "right")
    })
  )

  it.effect("refuses a route to an upstream that is not there", () =>
    Effect.gen(function* () {
      const upstreams = [
        { id: "kiro", kind: "kiro" },
        { id: "other", kind: "sandbox" }
      ]
      const routes = { "claude-*": ["kiro", "othre"] }
      assert.strictEqual(
        yield* whyNot({ upstreams, models: { routes } }),
        'models.routes["claude-*"][1]: names no upstream: "othre"; there are "kiro", "other"'
      )
    })
  )

  it.effect("refuses a route that names nobody, or one twice", () =>
    Effect.gen(function* () {
      const why = (route: ReadonlyArray<string>) => whyNot({ models: { routes: { "claude-*": route } } })
      assert.strictEqual(yield* why([]), 'models.routes["claude-*"]: expected at least one upstream')
      assert.strictEqual(yield* why(["kiro", "kiro"]), 'models.routes["claude-*"][1]: the upstream kiro is named twice')
    })
  )

  const Key = Schema.String.check(Schema.isPattern(/^[a-z]{24}$/))

  it.effect.prop("shows no secret when it is made printable", [Key, Key, Key, Key, Key, Key], (keys) =>
    Effect.gen(function* () {
      const [client, admin, header, password, group, database] = keys
      const { config } = yield* configOf(
        {
          auth: { clientKeys: [`c${client}`], adminKey: `a${admin}` },
          storage: { url: `postgres://weir:d${database}@db.test/weir?password=q${database}` },
          upstreams: [{ id: "kiro", kind: "kiro", headers: { "x-token": `h${header}` } }],
          proxy: { url: "http://proxy.test:1", username: "u", password: "env:P" },
          groups: [{ id: "eu", proxy: { url: `http://me:g${group}@proxy.test:2` } }]
        },
        { P: `p${password}` }
      )
      const printed = [JSON.stringify(maskConfig(config)), JSON.stringify(config), String(config)]
      for (const text of printed) {
        for (const key of keys) assert.notInclude(text, key)
      }
      assert.include(printed[0], '"postgres://weir:<redacted>@db.test/weir"')
      assert.strictEqual(Redacted.value(config.storage.url).includes(database), true)
    })
  )
})
