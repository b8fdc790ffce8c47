/** `weir quickstart`, as `npm start` runs it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { ask, at, eventsOf, saying } from "../support/Ask.ts"
import { makeRig } from "../support/Rig.ts"
import { folder, run, start, startByNpm } from "./WeirProcess.ts"

const address = /serves on (http:\/\/127\.0\.0\.1:\d+)/
const quickstart = ["quickstart", "--port", "0"]

describe("weir quickstart", () => {
  it.live("makes keys at the first start, shows them once, and the sandbox answers and says what it is", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const first = yield* start(cwd, quickstart)
      const url = yield* first.printed(address)
      const key = yield* first.printed(/Client key: (\S+)/)
      const admin = yield* first.printed(/Admin key: +(\S+)/)
      yield* first.printed(/Admin: \S+\/admin\n/)
      for (const line of [`ANTHROPIC_BASE_URL=${url}`, `ANTHROPIC_AUTH_TOKEN=${key}`, `curl -N ${url}/v1/messages`]) {
        assert.include(first.stdout(), line)
      }
      assert.match(first.stdout(), /sandbox/)

      const headers = { "x-api-key": key }
      const answer = yield* ask({ url }, "/v1/messages", { body: saying("Hello", { stream: true }), headers })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("weir-upstream"), "sandbox")
      assert.strictEqual(eventsOf(answer.text).at(-1)?.event, "message_stop")
      assert.match(answer.text, /sandbox/i)
      const refused = yield* ask({ url }, "/v1/messages", { body: saying("Hello"), headers: { "x-api-key": "other" } })
      assert.strictEqual(refused.status, 401)

      const shown = yield* ask({ url }, "/api/admin/credentials", { headers: { "x-api-key": admin } })
      assert.deepStrictEqual([shown.status, at(shown.json, "total")], [200, 0])
      assert.strictEqual((yield* ask({ url }, "/api/admin/credentials", { headers })).status, 401)

      first.child.kill("SIGTERM")
      assert.strictEqual(yield* first.exit, 0, first.stderr())
      for (const file of yield* Effect.promise(() => readdir(join(cwd, "data")))) {
        const text = yield* Effect.promise(() => readFile(join(cwd, "data", file), "latin1"))
        assert.isFalse(text.includes(key) || text.includes(admin), file)
        const { mode } = yield* Effect.promise(() => stat(join(cwd, "data", file)))
        assert.strictEqual(mode & 0o077, 0, `${file} is for others to read`)
      }

      const second = yield* start(cwd, quickstart)
      const again = yield* second.printed(address)
      yield* second.printed(/Admin: /)
      assert.include(second.stdout(), "<key from the first start>")
      assert.include(second.stdout(), "keys create")
      assert.notInclude(second.stdout(), key)
      assert.strictEqual((yield* ask({ url: again }, "/v1/messages", { body: saying("Hi"), headers })).status, 200)
    })
  )

  it.live("stops when the npm that runs it is ended, and drains", () =>
    Effect.gen(function* () {
      const weir = yield* startByNpm(yield* folder, quickstart)
      const url = yield* weir.printed(address)
      yield* weir.printed(/Admin: /)
      weir.child.kill("SIGTERM")
      yield* weir.exit
      assert.match(weir.stdout() + weir.stderr(), /Stopping: new requests are refused/)
      const gone = yield* Effect.flip(Effect.tryPromise(() => fetch(url)))
      assert.strictEqual(gone._tag, "UnknownError")
    })
  )

  it.live("serves from KIRO_API_KEY at once, and writes it nowhere", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const secret = "ksk_of-the-environment-0123456789"
      const weir = yield* start(cwd, quickstart, { KIRO_API_KEY: secret })
      yield* weir.printed(/Admin: /)
      assert.notMatch(weir.stdout(), /sandbox/)
      assert.notInclude(weir.stdout() + weir.stderr(), secret)
      weir.child.kill("SIGTERM")
      assert.strictEqual(yield* weir.exit, 0)
      for (const file of yield* Effect.promise(() => readdir(join(cwd, "data")))) {
        assert.notInclude(yield* Effect.promise(() => readFile(join(cwd, "data", file), "latin1")), secret, file)
      }
    })
  )

  it.live("does not start on a database that is in use, and names who uses it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const first = yield* start(cwd, quickstart)
      yield* first.printed(/Admin: /)
      const second = yield* run(cwd, quickstart)
      assert.strictEqual(second.code, 2)
      assert.match(second.stderr, new RegExp(`^weir: .*process ${first.child.pid} .*\n$`))
    })
  )

  it.live("does not start where the port is taken, and makes no key that nobody saw", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const rig = yield* makeRig()
      const port = new URL(rig.url).port
      const taken = yield* run(cwd, ["quickstart", "--port", port])
      assert.strictEqual(taken.code, 2, taken.stdout + taken.stderr)
      assert.match(taken.stderr, /^weir: .*EADDRINUSE.*\n$/)
      const free = yield* start(cwd, quickstart)
      yield* free.printed(/Client key: (weir_\S+)/)
    })
  )
})
