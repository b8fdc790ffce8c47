/**
 * Proxies: an HTTP and a SOCKS5 proxy on real sockets, which note what they were asked for.
 *
 * **Source:** RFC 9112 section 3.2.2 and RFC 9110 section 9.3.6; RFC 1928 and RFC 1929.
 */
import { Effect } from "effect"
import { createServer as createHttpServer, request } from "node:http"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"

/** Who may use the proxy. */
export interface Account {
  readonly username: string
  readonly password: string
}

export interface Proxy {
  readonly port: number
  /** Targets that were asked for, as host and port, in order; `refused` where the account was not right. */
  readonly asked: ReadonlyArray<string>
}

const listening = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<AddressInfo>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        if (address !== null && typeof address !== "string") resume(Effect.succeed(address))
      })
    }),
    () => Effect.sync(() => server.close())
  )

/** Forwards requests in absolute form, as clients ask for plain HTTP. */
export const makeHttpProxy = Effect.fnUntraced(function* (account: Account | null) {
  const asked: Array<string> = []
  const right =
    account === null ? undefined : `Basic ${Buffer.from(`${account.username}:${account.password}`).toString("base64")}`
  const server = createHttpServer((incoming, outgoing) => {
    if (incoming.headers["proxy-authorization"] !== right) {
      asked.push("refused")
      outgoing.writeHead(407).end()
      return
    }
    const url = new URL(incoming.url ?? "")
    asked.push(url.host)
    const { "proxy-authorization": _, ...headers } = incoming.headers
    const onward = request(url, { method: incoming.method ?? "GET", headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on("error", () => outgoing.destroy())
    outgoing.on("close", () => onward.destroy())
    incoming.pipe(onward)
  })
  const { port } = yield* listening(server)
  return { port, asked } satisfies Proxy
})

/** Connects to whatever is asked for; names are looked up in `names`, which only the proxy knows. */
export const makeSocks5Proxy = Effect.fnUntraced(function* (
  account: Account | null,
  names: Readonly<Record<string, string>> = {}
) {
  const asked: Array<string> = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy())
    serve(socket, account, names, asked)
  })
  const { port } = yield* listening(server)
  yield* Effect.addFinalizer(() => Effect.sync(() => sockets.forEach((socket) => socket.destroy())))
  return { port, asked } satisfies Proxy
})

const serve = (
  socket: Socket,
  account: Account | null,
  names: Readonly<Record<string, string>>,
  asked: Array<string>
): void => {
  let step: "greeting" | "account" | "request" = "greeting"
  const listen = (chunk: Buffer): void => {
    switch (step) {
      case "greeting": {
        const method = account === null ? 0 : 2
        const offered = chunk.subarray(2, 2 + (chunk[1] ?? 0))
        if (!offered.includes(method)) return void socket.end(Buffer.of(5, 0xff))
        socket.write(Buffer.of(5, method))
        step = method === 0 ? "request" : "account"
        return
      }
      case "account": {
        const nameLength = chunk[1] ?? 0
        const username = chunk.subarray(2, 2 + nameLength).toString()
        const password = chunk.subarray(3 + nameLength).toString()
        const isRight = username === account?.username && password === account.password
        if (!isRight) asked.push("refused")
        socket.write(Buffer.of(1, isRight ? 0 : 1))
        if (!isRight) return void socket.end()
        step = "request"
        return
      }
      case "request": {
        const isName = chunk[3] === 3
        const length = isName ? (chunk[4] ?? 0) : 4
        const start = isName ? 5 : 4
        const bytes = chunk.subarray(start, start + length)
        const host = isName ? bytes.toString() : [...bytes].join(".")
        const port = chunk.readUInt16BE(start + length)
        asked.push(`${host}:${port}`)
        socket.off("data", listen)
        const onward = connect(port, names[host] ?? host, () => {
          socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
          socket.pipe(onward).pipe(socket)
        })
        onward.on("error", () => socket.end(Buffer.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0)))
        socket.on("close", () => onward.destroy())
      }
    }
  }
  socket.on("data", listen)
}
