/**
 * ByHand: requests written out by hand, so that what the simulator refuses does not depend on any client.
 */
import { Effect } from "effect"
import type { Simulator } from "../../src/simulator/KiroSimulator.ts"

export interface Answered {
  readonly status: number
  /** `x-amzn-errortype`. */
  readonly type: string | null
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

export interface ByHand {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Sends it and reads the whole answer; redirects are not followed. */
export const send = (simulator: Simulator, path: string, { body, headers = {}, method = "POST" }: ByHand = {}) =>
  Effect.promise(async (signal): Promise<Answered> => {
    const response = await fetch(simulator.url + path, {
      method,
      headers,
      redirect: "manual",
      signal,
      ...(body === undefined ? {} : { body })
    })
    const text = await response.text()
    return {
      status: response.status,
      type: response.headers.get("x-amzn-errortype"),
      headers: response.headers,
      text,
      json: parse(text)
    }
  })

/** A `generate` call of token `hand`. */
export const generate = (simulator: Simulator, body: unknown, headers: Record<string, string> = {}) =>
  send(simulator, "/generateAssistantResponse", {
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { authorization: "Bearer hand", "content-type": "application/json", ...headers }
  })

/** A member of an answer's JSON, or undefined. */
export const member = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value
  )

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
