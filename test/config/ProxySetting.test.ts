import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result, Schema } from "effect"
import { faultOf, formatPath } from "../../src/config/ConfigError.ts"
import { ProxySetting } from "../../src/config/ProxySetting.ts"

const decode = Schema.decodeUnknownResult(ProxySetting, { onExcessProperty: "error" })

const read = (written: unknown) => {
  const decoded = decode(written)
  if (Result.isFailure(decoded)) {
    const { path, reason } = faultOf(decoded.failure.issue)
    return `${formatPath(path)}: ${reason}`
  }
  const route = decoded.success
  return route.kind === "direct"
    ? "direct"
    : [route.url, route.username, route.password === null ? null : Redacted.value(route.password)]
}

describe("ProxySetting", () => {
  it("reads an address with and without a user", () => {
    assert.deepStrictEqual(read({ url: "http://127.0.0.1:7890" }), ["http://127.0.0.1:7890", null, null])
    assert.deepStrictEqual(read({ url: "socks5://proxy.test:1080/" }), ["socks5://proxy.test:1080", null, null])
    assert.deepStrictEqual(read({ url: "https://proxy.test", username: "u", password: "p" }), [
      "https://proxy.test",
      "u",
      "p"
    ])
    assert.strictEqual(read({ url: "direct" }), "direct")
    assert.strictEqual(read({ url: "DIRECT" }), "direct")
  })

  it("takes user info out of the address, percent escapes undone", () => {
    assert.deepStrictEqual(read({ url: "http://me:p%40ss+w%26d%3D@proxy.test:1" }), [
      "http://proxy.test:1",
      "me",
      "p@ss+w&d="
    ])
    assert.deepStrictEqual(read({ url: "http://me@proxy.test:1" }), ["http://proxy.test:1", "me", ""])
    assert.deepStrictEqual(read({ url: "http://me:100%@proxy.test:1" }), ["http://proxy.test:1", "me", "100%"])
  })

  it("refuses other schemes, paths and half a login, naming the key and no value", () => {
    const cases: ReadonlyArray<readonly [unknown, RegExp]> = [
      [{ url: "ftp://hunter2" }, /^url: expected "direct", or an address/],
      [{ url: "hunter2" }, /^url: expected/],
      [{ url: "http://hunter2/path" }, /^url: a proxy's address has no path/],
      [{ url: "http://hunter2?x=1" }, /^url: a proxy's address has no path/],
      [{ url: "http://a.test", username: "hunter2" }, /^password: .*one is missing/],
      [{ url: "http://a.test", password: "hunter2" }, /^username: .*one is missing/],
      [{ url: "http://x:hunter2@a.test", username: "x", password: "hunter2" }, /^url: .*write it once/],
      [{ url: "direct", username: "hunter2" }, /^username: a direct route/],
      [{ url: 7890 }, /^url: expected/],
      [{ username: "hunter2" }, /^url: is missing/],
      [
        { url: "http://a.test", usrname: "hunter2" },
        /^usrname: is not a known key; the nearest known key is "username"/
      ]
    ]
    for (const [written, expected] of cases) {
      const said = read(written)
      assert.match(String(said), expected)
      assert.notInclude(String(said), "hunter2")
    }
  })

  it("writes the address without user info and the password masked", () => {
    const route = Schema.decodeUnknownSync(ProxySetting)({ url: "http://me:hunter2@proxy.test:1" })
    assert.deepStrictEqual(Schema.encodeSync(ProxySetting)(route), {
      url: "http://proxy.test:1",
      username: "me",
      password: "<redacted>"
    })
  })
})
