/**
 * NodeServer: Node's HTTP server with the manners of a gateway, for what never reaches a route.
 *
 * - When it closes, connections that nobody is being answered on go at once; those with an answer go when it has ended.
 * - What Node itself refuses (bytes that are no HTTP, headers that are too long or too slow) is refused in JSON.
 * - An offer to switch to another protocol is not taken up, and the request is served as it is.
 * - A request that drips in for longer than its time is cut, whoever was to read it.
 */
import { type IncomingMessage, Server, type ServerOptions, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import type { Socket } from "node:net"
import { type ErrorAnswer, invalidRequest } from "../exchange/ErrorAnswer.ts"
import { errorBody } from "./ErrorResponse.ts"

/** Longest time for a request's headers to arrive, and for an idle connection to stay. Milliseconds. */
const headersTimeout = 60_000
const keepAliveTimeout = 65_000
/** How often connections are looked at for both. Milliseconds. */
const connectionsCheckingInterval = 5_000

export class NodeServer extends Server {
  /** Connections, each with the answers under way on it. Bounded by the system's file descriptors. */
  readonly #answering = new Map<Duplex, Set<ServerResponse>>()

  /** @param bodyTimeout longest time for a body to arrive. Milliseconds; routes answer that by themselves, in time */
  constructor(bodyTimeout: number) {
    super(optionsOf(bodyTimeout))
    this.on("connection", (socket: Socket) => {
      this.#answering.set(socket, new Set())
      socket.once("close", () => this.#answering.delete(socket))
    })
    this.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const answering = this.#answering.get(request.socket)
      answering?.add(response)
      response.on("close", () => {
        answering?.delete(response)
        if (!this.listening) this.#dropIdle()
      })
    })
    this.on("clientError", (error: Error, socket: Duplex) => this.#refuse(error, socket))
    this.on("checkExpectation", (_, response: ServerResponse) => {
      response.statusCode = 417
      response.setHeader("content-type", "application/json").setHeader("connection", "close")
      response.end(bodyOf({ ...invalidRequest("expect: only 100-continue can be met"), status: 417 }))
    })
    // Whoever listens for upgrades takes the body away from requests that merely offer one.
    this.on("newListener", (event, listener) => {
      if (event === "upgrade") queueMicrotask(() => this.off("upgrade", listener))
    })
  }

  override close(callback?: (error?: Error) => void): this {
    super.close(callback)
    this.#dropIdle()
    return this
  }

  #dropIdle(): void {
    for (const [socket, answering] of this.#answering) if (answering.size === 0) socket.destroy()
  }

  #refuse(error: Error, socket: Duplex): void {
    const code = "code" in error ? error.code : ""
    if (!socket.writable || code === "ECONNRESET") return void socket.destroy()
    const answering = [...(this.#answering.get(socket) ?? [])]
    const whole = answering.filter(({ req }) => req.complete)
    // What came behind a whole request is no reason to withhold its answer.
    for (const response of whole) response.shouldKeepAlive = false
    if (whole.length > 0) return
    if (answering.some(({ headersSent }) => headersSent)) return void socket.destroy()
    const refusal = refusals.get(String(code)) ?? invalidRequest("this is not an HTTP request")
    const body = bodyOf(refusal)
    socket.end(
      `HTTP/1.1 ${refusal.status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
        `connection: close\r\n\r\n${body}`
    )
  }
}

const optionsOf = (bodyTimeout: number): ServerOptions => ({
  headersTimeout,
  keepAliveTimeout,
  requestTimeout: headersTimeout + bodyTimeout,
  connectionsCheckingInterval,
  // A request without a Host is served like any other where nothing depends on it, and refused in JSON where it does.
  requireHostHeader: false
})

const refusals: ReadonlyMap<string, ErrorAnswer> = new Map([
  ["HPE_HEADER_OVERFLOW", { ...invalidRequest("the request's headers are too long"), status: 431 }],
  ["ERR_HTTP_REQUEST_TIMEOUT", { ...invalidRequest("the request did not arrive in time"), status: 408 }]
])

/** Such a request never had an id. */
const bodyOf = (refusal: ErrorAnswer): string => {
  const { request_id: _, ...body } = errorBody(refusal, "")
  return JSON.stringify(body)
}
