/** What the end of a request costs where it is kept: one write that has reached the operating system. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { readFile } from "node:fs/promises"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerStore } from "../../src/ledger/LedgerStore.ts"
import * as JournalFile from "../../src/storage/JournalFile.ts"
import { intent, record } from "../ledger/Records.ts"
import { tempFolder } from "../storage/TestDatabase.ts"

const count = 2_000
/** Microseconds. */
const limit = 20

describe("the end of a request", () => {
  it.live("is kept in under 20 microseconds", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const stores = Layer.merge(
        Layer.mock(LedgerStore)({
          check: Effect.void,
          save: () => Effect.void,
          used: () => Effect.succeed([]),
          prune: () => Effect.succeed(0)
        }),
        JournalFile.layer(`${folder}/weir.db.journal`)
      )
      yield* Effect.gen(function* () {
        const ledger = yield* Ledger
        const rounds: Array<number> = []
        for (let round = 0; round < 5; round++) {
          const open = yield* Effect.forEach(Array.from({ length: count }), (_, n) =>
            ledger.open(intent(`req_${round}_${n}`), () => null)
          )
          const began = performance.now()
          for (const [n, one] of open.entries()) one.settle(record(`req_${round}_${n}`))
          rounds.push(((performance.now() - began) / count) * 1_000)
        }
        const kept = yield* Effect.promise(() => readFile(`${folder}/weir.db.journal`, "utf8"))
        assert.strictEqual(kept.split('"settled"').length - 1, 5 * count)
        assert.isBelow(Math.min(...rounds), limit, `microseconds: ${rounds.map((us) => us.toFixed(1)).join(" ")}`)
      }).pipe(Effect.provide(Ledger.layer(Duration.days(1)).pipe(Layer.provide(stores))))
    })
  )
})
