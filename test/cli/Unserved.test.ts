import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { unserved } from "../../src/cli/Unserved.ts"
import { GatewayConfig } from "../../src/config/GatewayConfig.ts"

const keysOf = (config: object, refused: boolean) =>
  unserved(Schema.decodeUnknownSync(GatewayConfig)(config)).flatMap((gap) => (gap.refused === refused ? [gap.key] : []))

describe("what a configuration asks for and this version does not do", () => {
  it("is nothing where everything is as by default, however it is written", () => {
    for (const config of [{}, { pool: { stickyTtl: "60 minutes" }, cache: { native: true } }]) {
      assert.deepStrictEqual([...keysOf(config, false), ...keysOf(config, true)], [])
    }
  })

  it("is named member by member", () => {
    const config = {
      pool: { mode: "balanced", whenFull: "overflow", stickyTtl: "2 hours" },
      cache: { native: false, capacity: 8, reportedReadRatio: 0.5 },
      models: { routes: { "*": ["kiro"] } },
      telemetry: { otlpUrl: "http://127.0.0.1:4318", traceSampling: 1 }
    }
    assert.sameMembers([...keysOf(config, false)], ["telemetry.otlpUrl", "telemetry.traceSampling"])
  })

  it("is refused where traffic would go another way than was written", () => {
    assert.deepStrictEqual(keysOf({ server: { workers: 2 } }, true), ["server.workers"])
  })
})
