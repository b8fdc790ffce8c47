import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run, sizes } from "./PoolBench.ts"

describe("choosing and leasing", () => {
  it.live(
    "costs no more among ten thousand credentials than among ten, in every situation",
    () =>
      Effect.gen(function* () {
        for (const { costs, situation } of yield* run) {
          const [among10 = 0, , among10000 = Infinity] = costs
          const said = `${situation}: ${costs.map((cost) => cost.toFixed(1)).join(", ")} µs among ${sizes.join(", ")}`
          assert.isBelow(among10000, 50, said)
          // A thousand times as many: anything that looks at each of them would show.
          assert.isBelow(among10000, among10 * 5, said)
        }
      }),
    60_000
  )
})
