/**
 * PoolBench: what choosing and leasing costs among many credentials. `node test/bench/PoolBench.ts`
 *
 * Each figure is the mean over the quietest of several rounds of a choice together with taking and giving back its
 * permit, in microseconds.
 */
import { Clock, Console, DateTime, Effect, Layer, Scope, Exit } from "effect"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialStore, untouched } from "../../src/credential/CredentialStore.ts"
import * as CredentialStoreMemory from "../../src/credential/CredentialStoreMemory.ts"
import { anyNeed } from "../../src/credential/Eligibility.ts"
import * as PoolCore from "../../src/credential/PoolCore.ts"
import { makeEntry, type PoolEntry } from "../../src/credential/PoolEntry.ts"
import * as PoolLeases from "../../src/credential/PoolLeases.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"
import { apiKey } from "../support/Rig.ts"

export const sizes = [10, 1_000, 10_000]

/** How all but the last of the credentials are. */
const situations: Readonly<Record<string, (entry: PoolEntry, isLast: boolean) => void>> = {
  "all ready": () => {},
  "all but one cooling": (entry, isLast) => {
    if (isLast) return
    const until = DateTime.makeUnsafe(Date.now() + 3_600_000)
    const cooldown = { reason: "rate_limit", until, scope: "credential", source: "table", directoryKey: null } as const
    entry.health = { ...untouched, cooldown }
  },
  "all but one full": (entry, isLast) => {
    if (!isLast) entry.outstanding = entry.limit
  },
  "one fits the model": (entry, isLast) => {
    entry.models = new Set(isLast ? ["claude-sonnet-4.5", "claude-opus-4.5"] : ["claude-sonnet-4.5"])
  }
}

const upstreams = ["other", "kiro"].map((name) => UpstreamId.make(name))
const need = { ...anyNeed, model: "claude-opus-4.5", upstreams }

/** Microseconds for each lease. */
const measure = (size: number, dress: (entry: PoolEntry, isLast: boolean) => void, mode: "priority" | "balanced") =>
  Effect.gen(function* () {
    const settings = yield* RuntimeSettings
    yield* Effect.orDie(settings.update("pool", { mode }))
    const core = yield* PoolCore.make(settings, yield* CredentialStore, yield* UpstreamProvider)
    for (let n = 0; n < size; n++) {
      const entry = makeEntry(apiKey(`ksk_${n}`), untouched, 4, false)
      dress(entry, n === size - 1)
      yield* core.admit(entry)
    }
    const lease = Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Scope.provide(PoolLeases.hold(core, need), scope)
      yield* Scope.close(scope, Exit.void)
    })
    const round = Effect.gen(function* () {
      const start = yield* Clock.currentTimeNanos
      for (let n = 0; n < rounds; n++) yield* lease
      return Number((yield* Clock.currentTimeNanos) - start) / rounds / 1_000
    })
    yield* Effect.replicateEffect(round, 6, { discard: true })
    return Math.min(...(yield* Effect.replicateEffect(round, 9)))
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(
        RuntimeSettings.layerMemory(quickstartConfig("/nowhere")),
        CredentialStoreMemory.layer([]),
        Layer.mock(UpstreamProvider, { answersWhole: () => false })
      )
    )
  )

const rounds = 500

/** Microseconds by situation and size. */
export const run = Effect.gen(function* () {
  const rows: Array<{ readonly situation: string; readonly costs: ReadonlyArray<number> }> = []
  for (const mode of ["priority", "balanced"] as const) {
    for (const [situation, dress] of Object.entries(situations)) {
      const costs = yield* Effect.forEach(sizes, (size) => measure(size, dress, mode))
      rows.push({ situation: `${mode}, ${situation}`, costs })
    }
  }
  return rows
})

if (import.meta.main) {
  const report = Effect.flatMap(run, (rows) =>
    Console.log(
      [sizes, ...rows.map(({ costs, situation }) => [...costs.map((cost) => cost.toFixed(1)), situation])]
        .map((row) => row.join("\t"))
        .join("\n")
    )
  )
  await Effect.runPromise(report)
}
