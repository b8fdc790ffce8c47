/** AnthropicRig: a whole gateway on a real socket in front of a simulated Anthropic API, with stores in memory. */
import { Effect, type Scope } from "effect"
import type { Json } from "../../src/config/Jsonc.ts"
import type { Credential } from "../../src/message/Credential.ts"
import { AnthropicSimulator, type Simulator } from "../../src/simulator/anthropic/AnthropicSimulator.ts"
import type { Script } from "../../src/simulator/anthropic/Script.ts"
import { anthropicKey, makeGateway, type Rig } from "./Rig.ts"

export interface AnthropicRigOptions {
  readonly script?: Script
  /** @default one key, `sk-ant-a` */
  readonly credentials?: ReadonlyArray<Credential>
  /** Sections of the configuration file. */
  readonly config?: { readonly [section: string]: Json }
}

export interface AnthropicRig extends Omit<Rig, "simulator"> {
  readonly simulator: Simulator
}

/** Starts both; they stop with the scope, the gateway first. */
export const makeAnthropicRig = Effect.fnUntraced(function* ({
  config = {},
  credentials = [anthropicKey("a")],
  script = {}
}: AnthropicRigOptions = {}): Effect.fn.Return<AnthropicRig, never, Scope.Scope> {
  const simulator = yield* Effect.orDie(AnthropicSimulator.make({ script }))
  const upstreams = [{ id: "anthropic", kind: "anthropic", baseUrl: simulator.url }]
  const gateway = yield* makeGateway({ upstreams, ...config }, credentials)
  return { ...gateway, simulator }
})
