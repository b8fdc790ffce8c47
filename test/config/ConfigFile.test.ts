import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { pathFrom } from "../../src/config/ConfigFile.ts"
import type { Json } from "../../src/config/Jsonc.ts"
import { configOf, parse, whyNot } from "./ConfigCases.ts"

describe("ConfigFile", () => {
  it.effect("replaces every env:NAME by the variable, also deep inside", () =>
    Effect.gen(function* () {
      const { config, written } = yield* configOf(
        {
          auth: { clientKeys: ["plain", "env:KEY_1"] },
          pool: { queueTimeout: "env:WAIT" },
          upstreams: [{ id: "kiro", kind: "kiro", headers: { "x-token": "env:KEY_1" } }]
        },
        { KEY_1: "from-environment", WAIT: "7 seconds" }
      )
      assert.deepStrictEqual(config.auth.clientKeys.map(Redacted.value), ["plain", "from-environment"])
      assert.strictEqual(Duration.toSeconds(config.pool.queueTimeout), 7)
      assert.deepStrictEqual(written.pool, { queueTimeout: "7 seconds" })
    })
  )

  it.effect("does not look into what a variable holds, and takes a key named env: as it is", () =>
    Effect.gen(function* () {
      const { config } = yield* configOf({ auth: { clientKeys: ["env:A"] } }, { A: "env:B" })
      assert.deepStrictEqual(config.auth.clientKeys.map(Redacted.value), ["env:B"])
    })
  )

  it.effect("names the variable that is not set, and the key where it stands", () =>
    Effect.gen(function* () {
      const unset = "auth.adminKey: the environment variable WEIR_ADMIN_KEY is not set, or is empty"
      assert.strictEqual(yield* whyNot({ auth: { adminKey: "env:WEIR_ADMIN_KEY" } }), unset)
      assert.strictEqual(yield* whyNot({ auth: { adminKey: "env:WEIR_ADMIN_KEY" } }, { WEIR_ADMIN_KEY: "" }), unset)
      assert.match(yield* whyNot({ auth: { clientKeys: ["env:"] } }), /^auth\.clientKeys\[0\]: "env:" must be followed/)
      assert.match(yield* whyNot({ auth: { adminKey: "env:toString" } }), /toString is not set/)
    })
  )

  it.effect("names an unknown key with the nearest known one, at every depth", () =>
    Effect.gen(function* () {
      const nearest = (key: string, known: string) => `${key}: is not a known key; the nearest known key is "${known}"`
      const kiro = { id: "k", kind: "kiro" }
      assert.strictEqual(yield* whyNot({ sever: {} }), nearest("sever", "server"))
      assert.strictEqual(
        yield* whyNot({ pool: { queueTimout: "1 second" } }),
        nearest("pool.queueTimout", "queueTimeout")
      )
      assert.strictEqual(
        yield* whyNot({ upstreams: [{ ...kiro, endpoints: { apis: "https://a.test" } }] }),
        nearest("upstreams[0].endpoints.apis", "api")
      )
      assert.strictEqual(
        yield* whyNot({ groups: [{ id: "a", proxy: { url: "direct", pasword: "p" } }] }),
        nearest("groups[0].proxy.pasword", "password")
      )
    })
  )

  it.effect("names the key and the line of what has the wrong type", () =>
    Effect.gen(function* () {
      const text = '{\n  // where to listen\n  "server": {\n    "host": "127.0.0.1",\n    "port": "8990"\n  }\n}'
      const error = yield* Effect.flip(parse(text))
      assert.strictEqual(error.message, "weir.jsonc:5: server.port: expected a whole number from 0 to 65535")
      assert.deepStrictEqual([error.file, error.line, error.key], ["weir.jsonc", 5, "server.port"])
      const broken = yield* Effect.flip(parse('{\n  "server": {\n}'))
      assert.match(broken.message, /^weir\.jsonc:3: is not JSON: /)
    })
  )

  it.effect("tells what was expected, and never the value that stands there", () =>
    Effect.gen(function* () {
      const kiro = { id: "kiro", kind: "kiro" }
      const wrong: ReadonlyArray<readonly [Json, RegExp]> = [
        [{ auth: { clientKeys: ["hunter 2"] } }, /^auth\.clientKeys\[0\]: expected a key of 1 to 512/],
        [{ auth: { clientKeys: "hunter 2" } }, /^auth\.clientKeys: expected array/],
        [{ auth: { adminKey: { key: "hunter 2" } } }, /^auth\.adminKey: expected string \| null/],
        [{ storage: { url: "mysql://u:hunter 2@db" } }, /^storage\.url: expected "sqlite:PATH" or "postgres:/],
        [{ proxy: { url: "http://u:hunter 2@h/x" } }, /^proxy\.url: /],
        [{ proxy: "hunter 2" }, /^proxy: expected object \| null/],
        [{ telemetry: { otlpUrl: "https://u:hunter 2@o.test" } }, /^telemetry\.otlpUrl: expected an http or https/],
        [{ upstreams: [{ ...kiro, headers: { "x-a": "hunter 2\n" } }] }, /^upstreams\[0\]\.headers\["x-a"\]: expected/],
        [{ upstreams: [{ ...kiro, region: "hunter 2" }] }, /^upstreams\[0\]\.region: expected a region such as/],
        [{ upstreams: [{ ...kiro, kind: "hunter 2" }] }, /^upstreams\[0\]: expected an object whose "kind" is/],
        [
          { upstreams: [{ ...kiro, allowedTokenHosts: ["https://hunter 2"] }] },
          /^upstreams\[0\]\.allowedTokenHosts\[0\]: /
        ],
        [{ pool: { queueTimeout: "hunter 2" } }, /^pool\.queueTimeout: expected a duration/],
        [{ server: { maxBody: "hunter 2" } }, /^server\.maxBody: expected a size/],
        [{ systemPrompt: { append: ["hunter 2"] } }, /^systemPrompt\.append: expected string \| null/]
      ]
      for (const [value, expected] of wrong) {
        const said = yield* whyNot(value)
        assert.match(said, expected)
        assert.notInclude(said, "hunter 2")
      }
    })
  )

  it.effect("refuses no upstream at all, and two of one name", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* whyNot({ upstreams: [] }), "upstreams: expected at least one upstream")
      const same = [
        { id: "a", kind: "anthropic" },
        { id: "b", kind: "sandbox" },
        { id: "a", kind: "kiro" }
      ]
      assert.strictEqual(yield* whyNot({ upstreams: same }), "upstreams[2].id: the upstream a is named twice")
      assert.strictEqual(
        yield* whyNot({ groups: [{ id: "g" }, { id: "g" }] }),
        "groups[1].id: the group g is named twice"
      )
    })
  )

  it.effect("counts relative paths from the file's folder", () =>
    Effect.gen(function* () {
      const { config } = yield* configOf({
        storage: { url: "sqlite:../var/weir.db" },
        credentials: { files: ["./a.json", "b/c.json", "/abs/d.json"] }
      })
      assert.strictEqual(Redacted.value(config.storage.url), "sqlite:/etc/weir/../var/weir.db")
      assert.strictEqual(config.storage.masterKeyFile, "/etc/weir/../var/master.key")
      assert.deepStrictEqual(config.credentials.files, ["/etc/weir/a.json", "/etc/weir/b/c.json", "/abs/d.json"])
      const own = yield* configOf({ storage: { url: "sqlite:///abs/weir.db", masterKeyFile: "keys/master.key" } })
      assert.strictEqual(Redacted.value(own.config.storage.url), "sqlite:/abs/weir.db")
      assert.strictEqual(own.config.storage.masterKeyFile, "/etc/weir/keys/master.key")
      const other = yield* configOf({ storage: { url: "postgres://db.test/weir" } })
      assert.isNull(other.config.storage.masterKeyFile)
      assert.strictEqual(other.config.storage.journalFolder, "/etc/weir/data")
      assert.strictEqual(pathFrom("/etc/weir/", ".//./a"), "/etc/weir/a")
      assert.strictEqual(pathFrom("/", "a"), "/a")
    })
  )

  it.effect("tells which hot members the file itself set", () =>
    Effect.gen(function* () {
      const { written } = yield* configOf({ retry: { maxAttempts: 2 }, models: { aliases: { a: "b" } }, cache: {} })
      const none = { pool: {}, cooldown: {}, cache: {}, systemPrompt: {} }
      assert.deepStrictEqual(written, { ...none, retry: { maxAttempts: 2 }, models: { aliases: { a: "b" } } })
    })
  )
})
