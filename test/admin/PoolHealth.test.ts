import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { poolHealth } from "../../src/admin/PoolHealth.ts"
import type { Snapshot } from "../../src/admin/CredentialList.ts"
import { untouched } from "../../src/credential/CredentialStore.ts"
import { social, used } from "../storage/StoreCases.ts"

type Status = Snapshot["credentials"][number]

const status = (changes: Partial<Status>): Status => ({
  id: social("a").id,
  credential: social("a"),
  health: untouched,
  disabled: false,
  cooling: false,
  outstanding: 0,
  borrowed: 0,
  limit: 4,
  expiresAt: null,
  proxySource: "none",
  rateLimits: null,
  ...changes
})

describe("the pool's health", () => {
  it("counts each credential once, by its state, and names the soonest recovery", () => {
    const forever = { ...untouched, disabled: { reason: "manual" as const, until: null } }
    const rests = { ...untouched, cooldown: used.cooldown }
    const credentials = [
      status({}),
      status({ outstanding: 4 }),
      status({ outstanding: 9, limit: null }),
      status({ cooling: true, health: rests }),
      status({ disabled: true, cooling: true, health: used }),
      status({ disabled: true, health: forever }),
      status({ disabled: true, cooling: true, health: { ...rests, ...forever } })
    ]
    assert.deepStrictEqual(poolHealth({ credentials }), {
      total: 7,
      ready: 2,
      full: 1,
      cooling: 1,
      disabled: 3,
      disabledBy: { quota_exceeded: 1, manual: 2 },
      soonestRecovery: used.cooldown?.until ?? null
    })
    assert.deepStrictEqual(
      poolHealth({ credentials: credentials.slice(4) }).soonestRecovery,
      DateTime.makeUnsafe("2026-03-01T00:00:00Z")
    )
    assert.isNull(poolHealth({ credentials: credentials.slice(5) }).soonestRecovery)
  })
})
