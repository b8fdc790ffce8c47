/**
 * Sdk: Anthropic's own client, and a plain one for what it hides, in front of a simulated API.
 */
import Anthropic, { type ClientOptions } from "@anthropic-ai/sdk"
import { Effect, Schedule } from "effect"
import { it } from "@effect/vitest"
import { AnthropicSimulator, type Simulator } from "../../../src/simulator/anthropic/AnthropicSimulator.ts"
import type { Script } from "../../../src/simulator/anthropic/Script.ts"

export const model = "claude-opus-4-1"

/** The client of a key, which tries once. */
export const clientOf = (server: Simulator, options: ClientOptions = {}) =>
  new Anthropic({ baseURL: server.url, apiKey: "key-1", maxRetries: 0, ...options })

/** A test against a simulator of its own. */
export const test = (name: string, script: Script, run: (sdk: Anthropic, server: Simulator) => Promise<void>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const server = yield* AnthropicSimulator.make({ script })
      yield* Effect.promise(() => run(clientOf(server), server))
    })
  )

/** What a promise is rejected with. */
export const rejected = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("it was answered")
}

export interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string | null>
  readonly body?: unknown
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

/** One request without the SDK; a header of null is not sent. */
export const ask = async (server: Simulator, path: string, asking: Asking = {}): Promise<Answered> => {
  const { body, headers = {}, method = body === undefined ? "GET" : "POST" } = asking
  const all = new Headers({
    "x-api-key": "key-1",
    "anthropic-version": "2023-06-01",
    "content-type": "application/json"
  })
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) all.delete(name)
    else all.set(name, value)
  }
  const response = await fetch(server.url + path, {
    method,
    headers: all,
    redirect: "manual",
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parse(text) }
}

/** A request of one user message. */
export const saying = (content: unknown, more: object = {}) => ({
  model,
  max_tokens: 1_024,
  messages: [{ role: "user", content }],
  ...more
})

/** A member of a JSON value by its path, or undefined. */
export const at = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value
  )

/** Waits until a value is as it should be. */
export const until = <A>(effect: Effect.Effect<A>, isRight: (value: A) => boolean): Promise<A> =>
  Effect.runPromise(
    effect.pipe(
      Effect.repeat({ schedule: Schedule.spaced("5 millis"), until: isRight }),
      Effect.timeoutOrElse({
        duration: "10 seconds",
        orElse: () => Effect.die(new Error("it did not become so"))
      })
    )
  )

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
