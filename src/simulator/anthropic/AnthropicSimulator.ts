/**
 * AnthropicSimulator: Anthropic's API as a server of its own, scripted, on a real socket.
 *
 * It speaks the Messages API and what surrounds it, refuses what Anthropic refuses, and keeps a prompt cache. See
 * `Script.ts` for how to tell it what to answer. It shares nothing with the gateway's own reading of that API, so that
 * both cannot be wrong in the same way.
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { HttpServerError } from "effect/http"
import { NodeHttpServer } from "@effect/platform-node"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Gauge } from "../Observation.ts"
import { AnthropicState } from "./AnthropicState.ts"
import { serveApi } from "./Routes.ts"
import type { Script } from "./Script.ts"
import type { SeenRequest } from "./SeenRequest.ts"

export interface AnthropicSimulatorOptions {
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
  /** Concurrency of messages with one key. */
  readonly gauge: (token: string) => Effect.Effect<Gauge>
  /** Messages that are being answered now. */
  readonly openStreams: Effect.Effect<number>
  /** Replaces the rules, and everything else that the script names. */
  readonly setScript: (script: Script) => Effect.Effect<void>
  /** Ends the batches that are in progress. */
  readonly endBatches: Effect.Effect<void>
  /** Forgets the requests and the maxima. */
  readonly clear: Effect.Effect<void>
}

export class AnthropicSimulator extends Context.Service<AnthropicSimulator, Simulator>()(
  "weir/simulator/anthropic/AnthropicSimulator"
) {
  /** A simulator of its own, for as long as the scope is open. Fails where the port is taken. */
  static readonly make = Effect.fnUntraced(function* (options: AnthropicSimulatorOptions = {}) {
    const { host = "127.0.0.1", port = 0, script = {} } = options
    const state = new AnthropicState(script)
    // Bodies may come as slowly as a test wants.
    const node = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 })
    const server = yield* NodeHttpServer.make(() => node, { host, port, disablePreemptiveShutdown: true })
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    // Whoever goes away ends what is being done for it.
    yield* server.serve(Effect.interruptible(serveApi(state)))
    const bound = addressOf(node.address())
    return AnthropicSimulator.of({
      url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
      port: bound,
      requests: Effect.sync(() => state.observation.requests()),
      refused: Effect.sync(() => state.observation.requests().filter((request) => request.refused !== null)),
      gauge: (token) => Effect.sync(() => state.observation.gauge(token)),
      openStreams: Effect.sync(() => state.observation.live()),
      setScript: (next) => Effect.sync(() => state.load(next)),
      endBatches: Effect.map(Clock.currentTimeMillis, (now) => state.batches.endAll(now)),
      clear: Effect.sync(() => state.observation.clear())
    })
  })

  /** The same as a layer. Each call makes a layer of its own, and so a server of its own. */
  static readonly layer = (
    options: AnthropicSimulatorOptions = {}
  ): Layer.Layer<AnthropicSimulator, HttpServerError.ServeError> =>
    Layer.effect(AnthropicSimulator, AnthropicSimulator.make(options))
}

const addressOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0
