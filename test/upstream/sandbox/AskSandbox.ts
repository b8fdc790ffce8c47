/**
 * AskSandbox: puts requests to the sandbox and adds up what comes back.
 */
import { Effect } from "effect"
import { MessageAccumulator } from "../../../src/codec/MessageAccumulator.ts"
import type { Lease } from "../../../src/message/Lease.ts"
import type { ContentBlock, ContentEvent } from "../../../src/message/MessageEvent.ts"
import * as SandboxProvider from "../../../src/upstream/sandbox/SandboxProvider.ts"
import type { ContentSink, UpstreamCall } from "../../../src/upstream/UpstreamProvider.ts"
import { chosen } from "../../support/Credentials.ts"
import { requestOf } from "../../support/KiroConversion.ts"

export const lease: Lease = {
  credential: SandboxProvider.sandboxCredential,
  token: SandboxProvider.sandboxCredential.apiKey,
  egress: { kind: "direct" },
  why: chosen
}

/** A call of the members of a request, in no conversation. */
export const callOf = (members: object): UpstreamCall => ({
  request: requestOf(members),
  original: null,
  changes: {},
  model: "claude-sonnet-4.5",
  conversation: null,
  cachePoints: 0,
  headerTimeoutMs: 1_000,
  idleTimeoutMs: 1_000
})

/** Sends a request to a sandbox of its own; the sink's `write` may be replaced. */
export const send = (members: object, write: ContentSink["write"] = () => true, open: ContentSink["open"] = () => {}) =>
  Effect.gen(function* () {
    const sandbox = yield* SandboxProvider.make
    const events: Array<ContentEvent> = []
    const settlement = yield* sandbox.send(callOf(members), lease, {
      open,
      begun: () => {},
      pass: () => true,
      write: (written) => {
        events.push(...written)
        return write(written)
      }
    })
    const accumulator = new MessageAccumulator()
    accumulator.push(events)
    return { events, settlement, content: accumulator.finish() }
  })

/** The same, of one user message. */
export const say = (text: string, members: object = {}) =>
  send({ messages: [{ role: "user", content: text }], ...members })

/** All text of an answer. */
export const textOf = (content: ReadonlyArray<ContentBlock>): string =>
  content.map((block) => (block.type === "text" ? block.text : "")).join("")

/** Names and inputs of the calls of an answer. */
export const callsOf = (content: ReadonlyArray<ContentBlock>): ReadonlyArray<readonly [string, unknown]> =>
  content.flatMap((block) => (block.type === "tool_use" ? [[block.name, block.input] as const] : []))

const tool = (name: string, properties: object, required: ReadonlyArray<string>) => ({
  name,
  description: name,
  input_schema: { type: "object", properties, required }
})
const string = { type: "string" }

export const bash = tool("Bash", { command: string, description: string, timeout: { type: "number" } }, ["command"])
export const read = tool("Read", { file_path: string, limit: { type: "integer" } }, ["file_path"])
export const weather = tool(
  "get_weather",
  { city: string, unit: { enum: ["celsius", "fahrenheit"] }, days: { type: "integer", minimum: 1 } },
  ["city", "unit", "days"]
)
