/**
 * RawUpstream: a server that says byte for byte what a test tells it, and keeps byte for byte what it was asked.
 */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"

/** One request as it came. */
export interface Asked {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is answered; `chunks` are written one by one, each when the one before has gone. */
export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly chunks: ReadonlyArray<string | Uint8Array>
  /** The socket breaks after the last chunk. */
  readonly breaks?: boolean
  /** Nothing ends it. */
  readonly stays?: boolean
}

export interface RawUpstream {
  readonly url: string
  readonly asked: ReadonlyArray<Asked>
}

/** @param reply for each request, by how many came before it; lists of models are answered by themselves, and not kept */
export const makeRawUpstream = Effect.fnUntraced(function* (
  reply: (asked: Asked, before: number) => Reply
): Effect.fn.Return<RawUpstream, never, Scope.Scope> {
  const asked: Array<Asked> = []
  const server = createServer((incoming, outgoing) => {
    const chunks: Array<Buffer> = []
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
    incoming.on("end", () => {
      if (incoming.url?.startsWith("/v1/models") === true) {
        outgoing.writeHead(200, { "content-type": "application/json" }).end(`{"data":[],"has_more":false}`)
        return
      }
      const one: Asked = {
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString("utf8")
      }
      const { breaks = false, stays = false, chunks: parts, headers, status = 200 } = reply(one, asked.length)
      asked.push(one)
      outgoing.writeHead(status, headers ?? {})
      const next = (at: number): void => {
        const part = parts[at]
        if (part !== undefined) outgoing.write(part, () => next(at + 1))
        else if (breaks) outgoing.destroy()
        else if (!stays) outgoing.end()
      }
      next(0)
    })
  })
  const port = yield* Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  return { url: `http://127.0.0.1:${port}`, asked }
})
