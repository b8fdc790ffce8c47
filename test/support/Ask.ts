/**
 * Ask: requests to a gateway as a plain HTTP client sends them, and its answers taken apart.
 */
import { Effect, Option, Schema } from "effect"
import { clientKey, type Rig } from "./Rig.ts"

/** A whole answer. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body, or undefined where it is no JSON. */
  readonly json: unknown
}

export interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** One request with the rig's client key, its answer read to the end. A body that is no string is sent as JSON. */
export const ask = (
  rig: Pick<Rig, "url">,
  path: string,
  { body, headers = {}, method }: Asking = {}
): Effect.Effect<Answered> =>
  Effect.promise(async (signal) => {
    const response = await fetch(rig.url + path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { "x-api-key": clientKey, "content-type": "application/json", ...headers },
      redirect: "manual",
      signal,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: Option.getOrUndefined(parse(text)) }
  })

/** A request of one user message. */
export const saying = (content: unknown, more: object = {}) => ({
  model: "claude-sonnet-4-5",
  max_tokens: 1024,
  messages: [{ role: "user", content }],
  ...more
})

/** A request whose answer the simulator makes of these steps; `unique` keeps its counters apart from others'. */
export const scripted = (steps: ReadonlyArray<unknown>, more: object = {}) =>
  saying(`!sim ${JSON.stringify(steps)}`, more)

/** One server-sent event. */
export interface SseEvent {
  readonly event: string
  readonly data: unknown
}

/** The events of a stream's text, strictly: `event:`, one `data:` of JSON, an empty line. */
export const eventsOf = (text: string): ReadonlyArray<SseEvent> =>
  text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
      if (event === undefined || data === undefined) throw new Error(`not an event: ${block}`)
      return { event, data: JSON.parse(data) }
    })

/** A member of a JSON value by its path, or undefined. */
export const at = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value
  )

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
