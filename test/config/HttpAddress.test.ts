import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { AddressTemplate, fillRegion, HttpAddress, isLoopback } from "../../src/config/HttpAddress.ts"
import { isRegion, Region } from "../../src/config/Region.ts"
import { trustedAddress } from "../../src/config/TokenHost.ts"

describe("HttpAddress", () => {
  it("takes http and https without user info, query or fragment", () => {
    const is = Schema.is(HttpAddress)
    for (const text of ["https://api.test", "http://127.0.0.1:9/base"]) assert.isTrue(is(text), text)
    const odd = [
      "api.test",
      "ftp://api.test",
      "https://u:p@api.test",
      "https://u@api.test",
      "https://a.test?x=1",
      "https://a.test#x",
      ""
    ]
    for (const text of odd) assert.isFalse(is(text), text)
  })

  it("takes {region} in a template and no other braces", () => {
    const is = Schema.is(AddressTemplate)
    for (const text of ["https://q.{region}.test", "https://q.test/{region}/x", "https://q.test"]) {
      assert.isTrue(is(text), text)
    }
    for (const text of ["https://q.{zone}.test", "https://q.{region.test", "{region}"]) assert.isFalse(is(text), text)
    assert.strictEqual(fillRegion("https://{region}.test/{region}", "eu-west-1"), "https://eu-west-1.test/eu-west-1")
  })

  it("knows every way to name this machine, and no other", () => {
    const own = [
      "localhost",
      "LOCALHOST.",
      "a.localhost",
      "127.0.0.1",
      "127.255.0.9",
      "::1",
      "[::1]",
      "::ffff:127.0.0.1"
    ]
    for (const host of own) assert.isTrue(isLoopback(host), host)
    const others = [
      "0.0.0.0",
      "::",
      "127.0.0.1.evil.test",
      "localhost.evil.test",
      "127.0.0.256",
      "128.0.0.1",
      "10.0.0.1",
      ""
    ]
    for (const host of others) assert.isFalse(isLoopback(host), host)
  })
})

describe("Region", () => {
  it("takes the names of regions only: they become part of host names", () => {
    for (const region of ["us-east-1", "eu-central-1", "us-gov-west-1"]) {
      assert.isTrue(isRegion(region), region)
      assert.isTrue(Schema.is(Region)(region), region)
    }
    const odd = [
      "us-east-1.evil.test/",
      "US-EAST-1",
      "us-east",
      "us-east-12",
      "us--1",
      "us-east-1\n",
      `us-${"a".repeat(40)}-1`,
      ""
    ]
    for (const region of odd) {
      assert.isFalse(isRegion(region), region)
      assert.isFalse(Schema.is(Region)(region), region)
    }
  })
})

describe("TokenHost", () => {
  it("trusts an https address whose host the operator named, and says of others what is wrong", () => {
    const why = (address: string) => {
      const checked = trustedAddress(address, ["idp.test"])
      return Result.isFailure(checked) ? checked.failure : checked.success.href
    }
    assert.strictEqual(why("https://idp.test/token"), "https://idp.test/token")
    assert.strictEqual(why("https://IDP.test:8443/token"), "https://idp.test:8443/token")
    assert.strictEqual(why("http://idp.test/token"), "must be https")
    assert.strictEqual(why("https://u:p@idp.test/token"), "must not hold a user name or password")
    assert.strictEqual(why("https://evil.test/secret"), "the host evil.test is not in allowedTokenHosts")
    assert.strictEqual(why("https://idp.test.evil.test/"), "the host idp.test.evil.test is not in allowedTokenHosts")
    assert.strictEqual(why("idp.test"), "is not an address")
    assert.strictEqual(why(`https://idp.test/${"a".repeat(2048)}`), "is not an address")
  })
})
