/** Ways out on real sockets: proxies with and without an account, and what becomes of a request where one fails. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Json } from "../../src/config/Jsonc.ts"
import { direct, type Egress } from "../../src/message/Egress.ts"
import { GroupId } from "../../src/message/Ids.ts"
import { ask, saying } from "../support/Ask.ts"
import { type Account, makeHttpProxy, makeSocks5Proxy } from "../support/Proxies.ts"
import { apiKey, makeRig, type RigOptions } from "../support/Rig.ts"

const account: Account = { username: "user", password: "p@ss word" }

const route = (url: string, { password, username }: Account | { username: null; password: null }): Egress => ({
  kind: "proxy",
  url,
  username,
  password: password === null ? null : Redacted.make(password)
})
const nobody = { username: null, password: null } as const

/** One request of a gateway whose one credential has this way out. */
const serveBy = Effect.fnUntraced(function* (proxy: Egress | null, more: Omit<RigOptions, "credentials"> = {}) {
  const rig = yield* makeRig({ ...more, credentials: [apiKey("ksk_1", { proxy, group: GroupId.make("eu") })] })
  const answer = yield* ask(rig, "/v1/messages", { body: saying("Hi") })
  return { rig, answer, host: new URL(rig.simulator.url).host }
})

describe("a proxy", () => {
  for (const [what, who] of [
    ["without an account", null],
    ["with an account", account]
  ] as const) {
    it.live(`over HTTP, ${what}, carries every call of its credential`, () =>
      Effect.gen(function* () {
        const proxy = yield* makeHttpProxy(who)
        const { answer, host } = yield* serveBy(route(`http://127.0.0.1:${proxy.port}`, who ?? nobody))
        assert.strictEqual(answer.status, 200, answer.text)
        assert.isAbove(proxy.asked.length, 0)
        assert.deepStrictEqual([...new Set(proxy.asked)], [host])
      })
    )

    it.live(`over SOCKS5, ${what}, carries every call of its credential`, () =>
      Effect.gen(function* () {
        const proxy = yield* makeSocks5Proxy(who)
        const { answer, host } = yield* serveBy(route(`socks5://127.0.0.1:${proxy.port}`, who ?? nobody))
        assert.strictEqual(answer.status, 200, answer.text)
        assert.isAbove(proxy.asked.length, 0)
        assert.deepStrictEqual([...new Set(proxy.asked)], [host])
      })
    )
  }

  it.live("over SOCKS5 looks names up itself: the gateway never resolves them", () =>
    Effect.gen(function* () {
      const proxy = yield* makeSocks5Proxy(null, { "kiro.nowhere.test": "127.0.0.1" })
      const rig = yield* makeRig({ credentials: [] })
      const { port } = new URL(rig.simulator.url)
      const api = `http://kiro.nowhere.test:${port}`
      const { answer } = yield* serveBy(route(`socks5://127.0.0.1:${proxy.port}`, nobody), {
        config: {
          upstreams: [{ id: "kiro", kind: "kiro", endpoints: { api, socialRefresh: api, idcRefresh: api } }]
        }
      })
      assert.strictEqual(answer.status, 200, answer.text)
      assert.include(proxy.asked, `kiro.nowhere.test:${port}`)
    })
  )

  for (const make of [makeHttpProxy, makeSocks5Proxy]) {
    it.live(`that does not take the account fails the call, and nothing goes out another way (${make.name})`, () =>
      Effect.gen(function* () {
        const proxy = yield* make(account)
        const scheme = make === makeHttpProxy ? "http" : "socks5"
        const { answer, rig } = yield* serveBy(
          route(`${scheme}://127.0.0.1:${proxy.port}`, { username: "user", password: "wrong" }),
          { config: { retry: { maxAttempts: 1 } } }
        )
        assert.strictEqual(answer.status, 502, answer.text)
        assert.include(proxy.asked, "refused")
        assert.notInclude(answer.text, "wrong")
        assert.deepStrictEqual(yield* rig.simulator.requests, [])
      })
    )
  }

  it.live("that is not there is a failure of the way, and another credential is tried", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        credentials: [
          apiKey("ksk_1", { proxy: route("http://127.0.0.1:1", nobody) }),
          apiKey("ksk_2", { priority: 1, proxy: direct })
        ]
      })
      const answer = yield* ask(rig, "/v1/messages", { body: saying("Hi") })
      assert.strictEqual(answer.status, 200, answer.text)
      assert.strictEqual(answer.headers.get("weir-attempts"), "2")
    })
  )

  it.live("of the group takes effect with the next request after it is changed", () =>
    Effect.gen(function* () {
      const proxy = yield* makeHttpProxy(null)
      const groups: Json = [{ id: "eu" }]
      const { answer, rig } = yield* serveBy(null, { config: { groups } })
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(proxy.asked, [])
      const headers = { "x-api-key": "admin-key-of-the-test-rig" }
      const body = { id: "eu", proxy: { url: `http://127.0.0.1:${proxy.port}` } }
      assert.strictEqual((yield* ask(rig, "/api/admin/config/groups", { body, headers })).status, 200)
      assert.strictEqual((yield* ask(rig, "/v1/messages", { body: saying("Hi") })).status, 200)
      assert.isAbove(proxy.asked.length, 0)
      const { text } = yield* ask(rig, "/api/admin/credentials", { headers })
      assert.include(text, '"proxySource":"group"')
    })
  )

  it.live("of the gateway is for those who have none of their own", () =>
    Effect.gen(function* () {
      const proxy = yield* makeHttpProxy(null)
      const config = { proxy: { url: `http://127.0.0.1:${proxy.port}` } }
      assert.strictEqual((yield* serveBy(direct, { config })).answer.status, 200)
      assert.deepStrictEqual(proxy.asked, [])
      assert.strictEqual((yield* serveBy(null, { config })).answer.status, 200)
      assert.isAbove(proxy.asked.length, 0)
    })
  )
})
