/** Proxies that answer nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { createServer, type Socket } from "node:net"
import { Dispatch } from "../../src/upstream/Dispatch.ts"

/** Takes connections, reads, and never says a word. */
const silent: Effect.Effect<number, never, Scope.Scope> = Effect.gen(function* () {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on("error", () => {}).resume()))
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
  )
  return yield* Effect.callback<number>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(address !== null && typeof address !== "string" ? address.port : 0))
    })
  })
})

describe("a proxy that is silent", () => {
  for (const scheme of ["http", "socks5"]) {
    it.live(`costs no more than the time for the header, over ${scheme}`, () =>
      Effect.gen(function* () {
        const dispatch = yield* Dispatch
        const url = `${scheme}://127.0.0.1:${yield* silent}`
        const sender = dispatch.via({ kind: "proxy", url, username: null, password: null })
        const began = performance.now()
        const failed = yield* Effect.flip(
          sender.collect({
            url: new URL("https://upstream.test/"),
            method: "GET",
            headers: {},
            body: null,
            headerTimeoutMs: 200,
            idleTimeoutMs: 200
          })
        )
        assert.deepInclude(failed, { phase: "header", timedOut: true })
        assert.isBelow(performance.now() - began, 2_000)
      }).pipe(Effect.provide(Dispatch.layer))
    )
  }
})
