/**
 * JudgedSimulator: a simulated Kiro whose every message is judged when it stops, whatever the test was about: each must
 * be what AWS's client could have sent.
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { KiroSimulator, type Simulator } from "../../src/simulator/KiroSimulator.ts"
import type { SeenRequest } from "../../src/simulator/Observation.ts"
import type { Script } from "../../src/simulator/Script.ts"
import { checkBody, checkMcpBody } from "./AwsModel.ts"

/** Starts it; it stops with the scope. */
export const makeSimulator = (script: Script = {}): Effect.Effect<Simulator, never, Scope.Scope> =>
  Effect.orDie(KiroSimulator.make({ script })).pipe(
    Effect.tap((simulator) => Effect.addFinalizer(() => Effect.map(simulator.requests, judge)))
  )

const judge = (requests: ReadonlyArray<SeenRequest>): void => {
  const faults = requests.flatMap(({ body, operation }) =>
    operation === "generate" ? checkBody(JSON.parse(body)) : operation === "mcp" ? checkMcpBody(JSON.parse(body)) : []
  )
  assert.deepStrictEqual(faults, [])
}
