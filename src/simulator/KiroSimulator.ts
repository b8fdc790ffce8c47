/**
 * KiroSimulator: Kiro as a server of its own, scripted, on a real socket.
 *
 * It speaks the wire of `GenerateAssistantResponse` and what surrounds it, refuses what AWS refuses, and keeps a prompt
 * cache. See `Script.ts` for how to tell it what to answer.
 */
import { Context, Effect, Layer } from "effect"
import { HttpRouter, type HttpServerError } from "effect/http"
import { NodeHttpServer } from "@effect/platform-node"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { accountRoutes } from "./AccountRoutes.ts"
import { generateRoute } from "./GenerateRoute.ts"
import { KiroState } from "./KiroState.ts"
import { mcpRoute } from "./McpRoute.ts"
import type { Gauge, SeenRequest } from "./Observation.ts"
import { refreshRoutes } from "./RefreshRoutes.ts"
import type { Script } from "./Script.ts"

export interface KiroSimulatorOptions {
  /** @default "127.0.0.1" */
  readonly host?: string
  /** 0 takes a free one. @default 0 */
  readonly port?: number
  /** Rules, accounts and models. @default none: everyone is welcome and the built-in agent answers */
  readonly script?: Script
}

/** A running simulator, as a test sees it from behind. */
export interface Simulator {
  /** Address without a path, e.g. `http://127.0.0.1:4711`. */
  readonly url: string
  readonly port: number
  /** The last 1,000 requests, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<SeenRequest>>
  /** Those of them that the simulator refused of its own accord. */
  readonly refused: Effect.Effect<ReadonlyArray<SeenRequest>>
  /** Concurrency of `generate` calls with one bearer token. */
  readonly gauge: (token: string) => Effect.Effect<Gauge>
  /** `generate` calls that are being answered now. */
  readonly openStreams: Effect.Effect<number>
  /** How often each refresh token was presented to an endpoint that would have answered. */
  readonly refreshes: Effect.Effect<ReadonlyMap<string, number>>
  /** From now on this access token is refused. */
  readonly expire: (token: string) => Effect.Effect<void>
  /** Replaces the rules, and the accounts and models where the script names some. */
  readonly setScript: (script: Script) => Effect.Effect<void>
  /** Forgets the requests and the maxima. */
  readonly clear: Effect.Effect<void>
}

export class KiroSimulator extends Context.Service<KiroSimulator, Simulator>()("weir/simulator/KiroSimulator") {
  /** A simulator of its own, for as long as the scope is open. Fails where the port is taken. */
  static readonly make = Effect.fnUntraced(function* (options: KiroSimulatorOptions = {}) {
    const { host = "127.0.0.1", port = 0, script = {} } = options
    const state = new KiroState(script)
    // Bodies may come as slowly as a test wants.
    const node = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 })
    const server = yield* NodeHttpServer.make(() => node, { host, port, disablePreemptiveShutdown: true })
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    const app = yield* HttpRouter.toHttpEffect(
      Layer.mergeAll(generateRoute(state), mcpRoute(state), accountRoutes(state), refreshRoutes(state))
    )
    yield* server.serve(app)
    const bound = addressOf(node.address())
    return KiroSimulator.of({
      url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
      port: bound,
      requests: Effect.sync(() => state.observation.requests()),
      refused: Effect.sync(() => state.observation.requests().filter((request) => request.refused !== null)),
      gauge: (token) => Effect.sync(() => state.observation.gauge(token)),
      openStreams: Effect.sync(() => state.observation.live()),
      refreshes: Effect.sync(() => state.accounts.presented()),
      expire: (token) => Effect.sync(() => state.accounts.expire(token)),
      setScript: (next) => Effect.sync(() => state.load(next)),
      clear: Effect.sync(() => state.observation.clear())
    })
  })

  /** The same as a layer. Each call makes a layer of its own, and so a server of its own. */
  static readonly layer = (
    options: KiroSimulatorOptions = {}
  ): Layer.Layer<KiroSimulator, HttpServerError.ServeError> => Layer.effect(KiroSimulator, KiroSimulator.make(options))
}

const addressOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0
