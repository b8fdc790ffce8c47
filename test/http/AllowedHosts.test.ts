import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import { Headers, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as AllowedHosts from "../../src/http/AllowedHosts.ts"

const options = { host: "10.0.0.7", allowedHosts: ["gateway.lan", "Proxy.Example.com:8443", "[2001:db8::1]"] }
const allowed = (host: string | undefined) => AllowedHosts.isAllowedHost(host, options)

describe("a Host header", () => {
  for (const host of ["127.0.0.1", "127.8.9.1:8990", "localhost", "LOCALHOST:1", "localhost.", "[::1]", "[::1]:8990"]) {
    it(`of this machine itself is served: ${host}`, () => assert.isTrue(allowed(host)))
  }

  for (const host of [
    "10.0.0.7",
    "10.0.0.7:8990",
    "gateway.lan",
    "gateway.lan:80",
    "GATEWAY.lan.",
    "proxy.example.com"
  ]) {
    it(`that is configured is served, whatever its port and letter case: ${host}`, () => assert.isTrue(allowed(host)))
  }

  it("of an IPv6 address is known in every spelling", () => {
    for (const host of ["[2001:db8::1]", "[2001:DB8:0:0:0:0:0:1]:443", "[2001:0db8::0001]"]) {
      assert.isTrue(allowed(host), host)
    }
    assert.isTrue(AllowedHosts.isAllowedHost("[fe80::7]:8990", { host: "fe80::7", allowedHosts: [] }))
  })

  for (const host of [
    "evil.example.com",
    "gateway.lan.evil.example.com",
    "notgateway.lan",
    "127.0.0.1.evil.example.com",
    "localhost@evil.example.com",
    "evil.example.com:127.0.0.1",
    "127.0.0.1:8990.evil.example.com",
    "[::1].evil.example.com",
    "[::1",
    "[2001:db8::2]",
    "10.0.0.8",
    "",
    " ",
    "localhost evil.example.com"
  ]) {
    it(`of another name is not served: ${JSON.stringify(host)}`, () => assert.isFalse(allowed(host)))
  }

  it("that is missing is not served", () => assert.isFalse(allowed(undefined)))

  it.prop("of random text is not served", [Schema.String], ([text]) => assert.isFalse(allowed(`${text}.evil.example`)))
})

describe("guarded routes", () => {
  const page = (path: "/admin" | "/open") => HttpRouter.add("GET", path, HttpServerResponse.text(path))
  const routes = Layer.merge(page("/admin").pipe(Layer.provide(AllowedHosts.middleware(options).layer)), page("/open"))
  const get = Effect.fnUntraced(function* (path: string, host: string) {
    const serve = yield* HttpRouter.toHttpEffect(routes)
    const request = HttpServerRequest.fromWeb(new Request(`http://127.0.0.1${path}`)).modify({
      headers: Headers.fromInput({ host })
    })
    const response = yield* Effect.provideService(serve, HttpServerRequest.HttpServerRequest, request)
    return HttpServerResponse.toWeb(response)
  })

  it.effect("answer under a known name", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* get("/admin", "gateway.lan")).status, 200)
    })
  )

  it.effect("answer 403 in JSON under any other, and other routes go on", () =>
    Effect.gen(function* () {
      const refused = yield* get("/admin", "evil.example.com")
      assert.strictEqual(refused.status, 403)
      const body = yield* Effect.promise(() => refused.text())
      const decoded = Schema.decodeUnknownOption(
        Schema.fromJsonString(
          Schema.Struct({ type: Schema.Literal("error"), error: Schema.Struct({ type: Schema.String }) })
        )
      )(body)
      assert.deepStrictEqual(Option.getOrNull(decoded)?.error.type, "permission_error")
      assert.strictEqual((yield* get("/open", "evil.example.com")).status, 200)
    })
  )
})
