import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Result } from "effect"
import { readFile } from "node:fs/promises"
import { fromJSONSchema } from "zod"
import { parseConfig, quickstartConfig } from "../../src/config/ConfigFile.ts"
import { configJsonSchema, configJsonSchemaText } from "../../src/config/ConfigJsonSchema.ts"
import { type GatewayConfig, maskConfig } from "../../src/config/GatewayConfig.ts"
import { type Json, parseJsonc } from "../../src/config/Jsonc.ts"

const fileOfPackage = (name: string) =>
  Effect.promise(() => readFile(new URL(`../../${name}`, import.meta.url), "utf8"))

const environment = ConfigProvider.layer(
  ConfigProvider.fromEnv({ env: { WEIR_CLIENT_KEY: "client-key", WEIR_ADMIN_KEY: "admin-key", P: "password" } })
)

/** A validator by others, so that the document is JSON Schema to more than the library that made it. */
const validator = fromJSONSchema(JSON.parse(configJsonSchemaText()))

const isValid = (config: unknown) => validator.safeParse(config).success

describe("ConfigJsonSchema", () => {
  it.effect("is what weir.schema.json holds", () =>
    Effect.gen(function* () {
      const file = yield* fileOfPackage("weir.schema.json")
      assert.deepStrictEqual(JSON.parse(file), JSON.parse(configJsonSchemaText()))
    })
  )

  it("names the draft it is written in", () => {
    assert.strictEqual(configJsonSchema()["$schema"], "https://json-schema.org/draft/2020-12/schema")
  })

  it.effect("takes weir.example.jsonc, and so does the gateway", () =>
    Effect.gen(function* () {
      const text = yield* fileOfPackage("weir.example.jsonc")
      assert.isTrue(isValid(Result.getOrThrow(parseJsonc(text)).value))
      const { config } = yield* parseConfig(text, { file: "weir.example.jsonc", folder: "/etc/weir" })
      assert.deepStrictEqual(
        config.upstreams.map(({ id }) => String(id)),
        ["kiro", "anthropic"]
      )
    }).pipe(Effect.provide(environment))
  )

  it.effect("shows in weir.example.jsonc the defaults, but for its examples", () =>
    Effect.gen(function* () {
      const examples = ["auth", "upstreams", "credentials", "proxy", "groups", "models"]
      const origin = { file: "weir.example.jsonc", folder: "/etc/weir" }
      const { config } = yield* parseConfig(yield* fileOfPackage("weir.example.jsonc"), origin)
      const shown = (config: GatewayConfig) =>
        Object.entries(Object(maskConfig(config))).filter(([section]) => !["$schema", ...examples].includes(section))
      const { config: defaults } = quickstartConfig("/etc/weir")
      assert.deepStrictEqual(shown(config), shown(defaults))
      assert.deepStrictEqual(config.upstreams.slice(0, 1), defaults.upstreams)
    }).pipe(Effect.provide(environment))
  )

  it("takes a variable wherever a file may have a string", () => {
    assert.isTrue(isValid({ server: { drain: "env:DRAIN", maxBody: "env:SIZE" }, pool: { mode: "env:MODE" } }))
    assert.isTrue(isValid({ upstreams: [{ id: "env:ID", kind: "kiro", region: "env:REGION" }] }))
  })

  it("marks unknown keys and wrong types", () => {
    const wrong: ReadonlyArray<Json> = [
      { sever: {} },
      { server: { prot: 1 } },
      { server: { port: "8990" } },
      { server: { port: 70_000 } },
      { pool: { mode: "fastest" } },
      { retry: { budget: "soon" } },
      { cache: { reportedReadRatio: 1 } },
      { upstreams: [] },
      { upstreams: [{ id: "a", kind: "other" }] },
      { upstreams: [{ kind: "kiro" }] },
      { groups: [{ proxy: { url: "direct" } }] },
      { auth: { clientKeys: "key" } }
    ]
    for (const config of wrong) assert.isFalse(isValid(config), JSON.stringify(config))
    for (const config of [{}, { server: {} }, { proxy: null }]) assert.isTrue(isValid(config), JSON.stringify(config))
  })
})
