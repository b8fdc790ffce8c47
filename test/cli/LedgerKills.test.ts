/** What a client was told stands in the ledger, whenever the process is killed. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Random, type Scope } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describePostgres, emptyDatabase } from "../storage/TestPostgres.ts"
import { ask, at, eventsOf, saying } from "../support/Ask.ts"
import { folder, start } from "./WeirProcess.ts"

const key = "a-client-key-of-20-characters"
const adminKey = "an-admin-key-of-20-characters"
const clients = 8

const config = {
  server: { port: 0, lameDuck: "0 seconds" },
  auth: { clientKeys: [key], adminKey },
  upstreams: [{ id: "sandbox", kind: "sandbox" }],
  pool: { maxInflightPerCredential: 0 }
}

/** The end of an answer as a client saw it. */
interface Told {
  readonly id: string
  readonly usage: unknown
}

/** One request; null where its end was not seen. */
const request = async (url: string, stream: boolean, onEnd: () => void): Promise<Told | null> => {
  try {
    const response = await fetch(`${url}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: JSON.stringify(saying("Tell me something about rivers.", { stream }))
    })
    const id = response.headers.get("request-id") ?? ""
    let text = ""
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (stream && text.includes("event: message_stop\n")) break
    }
    onEnd()
    if (!stream) return { id, usage: at(JSON.parse(text), "usage") }
    const whole = text.slice(0, text.lastIndexOf("\n\n") + 2)
    return { id, usage: at(eventsOf(whole).find(({ event }) => event === "message_delta")?.data, "usage") }
  } catch {
    return null
  }
}

const four = ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]

/** Kills it so often, with its storage at an address. */
const losesNothing = (kills: number, address: Effect.Effect<string, never, Scope.Scope>) =>
  it.live(
    `loses the record of no answer whose end a client saw, at ${kills} random moments around such ends`,
    () =>
      Effect.gen(function* () {
        const [cwd, database] = [yield* folder, yield* address]
        const env = { WEIR_MASTER_KEY: Buffer.alloc(32, 5).toString("base64") }
        yield* Effect.promise(() =>
          writeFile(join(cwd, "weir.jsonc"), JSON.stringify({ ...config, storage: { url: database } }))
        )
        const told: Array<Told> = []
        const run = Effect.fnUntraced(function* () {
          const weir = yield* start(cwd, ["serve", "--config", "weir.jsonc"], env)
          return { weir, url: yield* weir.printed(/serves on (http:\/\/127\.0\.0\.1:\d+)/) }
        })
        for (let kill = 0; kill < kills; kill++) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { url, weir } = yield* run()
              const enough = yield* Deferred.make<void>()
              let left = yield* Random.nextIntBetween(1, 40)
              const onEnd = () => {
                if (--left === 0) Deferred.doneUnsafe(enough, Effect.void)
              }
              const asking = Effect.gen(function* () {
                for (let n = 0; weir.child.exitCode === null && !weir.child.killed; n++) {
                  const seen = yield* Effect.promise(() => request(url, n % 2 === 0, onEnd))
                  if (seen !== null) told.push(seen)
                }
              })
              const fibers = yield* Effect.forEach(Array.from({ length: clients }), () => Effect.forkChild(asking))
              yield* Deferred.await(enough)
              yield* Effect.sleep(yield* Random.nextIntBetween(0, 10))
              weir.child.kill("SIGKILL")
              yield* weir.exit
              yield* Effect.forEach(fibers, Fiber.await)
            })
          )
        }
        assert.isAtLeast(told.length, kills)
        const { url } = yield* run()
        const admin = (path: string) => ask({ url }, `/api/admin${path}`, { headers: { "x-api-key": adminKey } })
        for (const { id, usage } of told) {
          const { json, status } = yield* admin(`/requests/${id}`)
          assert.strictEqual(status, 200, id)
          assert.strictEqual(at(json, "outcome"), "ok", id)
          assert.deepStrictEqual(
            four.map((name) => at(json, "usage", name)),
            four.map((name) => at(usage, name)),
            id
          )
        }
        const { json } = yield* admin("/requests?limit=1000&outcome=abandoned")
        assert.isArray(at(json, "data"))
      }),
    120_000
  )

describe("kill -9 under load", () => {
  losesNothing(20, Effect.succeed("sqlite:./data/weir.db"))
})

describePostgres("kill -9 under load on PostgreSQL", () => {
  losesNothing(5, emptyDatabase)
})
