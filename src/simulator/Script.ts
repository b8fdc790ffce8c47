/**
 * Script: what a simulated upstream should answer, written down as JSON.
 *
 * **A script file** is an array of rules, or an object `{ "accounts"?, "models"?, "rules"? }`. The first rule that fits
 * a request and is not used up decides; without one the built-in agent answers.
 *
 * ```json
 * { "rules": [
 *   { "match": "weather", "steps": [{ "thinking": "Let me look." }, { "tool": "get_weather", "input": { "city": "Paris" } }],
 *                         "then": [{ "text": "It is 21 degrees.", "chunk": 4, "delay": 20 }] },
 *   { "credential": "key-1", "fail": "rate_limit", "failFirst": 2 },
 *   { "operation": "refresh", "times": 1, "fail": "unavailable" }
 * ] }
 * ```
 *
 * **A rule** has conditions, all optional, all to be met:
 * - `match`: a part of the last user text, or `/a regular expression/flags`
 * - `credential`: the bearer token, or the account's name; on `refresh` also the refresh token
 * - `model`: the model id
 * - `operation`: `generate` (default), `mcp`, `models`, `profiles`, `usage`, `refresh`
 * - `skip`: not for the first n requests that fit; `times`: only for n requests after those
 *
 * and what happens:
 * - `steps`: played in order. For another operation than `generate`, its usual answer follows unless a step gave one.
 *   Absent or empty: the built-in agent
 * - `then`: played instead when the request brings tool results. Absent: `steps`, unless they call a tool; then the agent
 * - `fail`: the name of a failure (see `FailurePreset.ts`) instead of the steps; with `failFirst` only for the first n
 *   requests, after which the steps are played, so that a retry succeeds
 *
 * **By request text**: a line `!sim [steps]` or `!sim {rule}` in the last user text is such a rule for this request,
 * before all others. Its `skip`, `times` and `failFirst` are counted for that text as a whole: put something unique
 * into the text to count anew.
 *
 * **Steps** are objects with one leading member:
 *
 * | step | plays |
 * | --- | --- |
 * | `{"text": "…"}` | `assistantResponseEvent`s; `chunk`: characters an event, `delay`: ms before each event after the first, `repeat`: n times over, `modelId`: of the events |
 * | `{"thinking": "…"}` | `reasoningContentEvent`s with text, then one with the signature; `signature`: the one to send, `null` for none, absent: one the simulator will know again; `chunk`, `delay` |
 * | `{"signature": "…"}` | a `reasoningContentEvent` with a signature alone |
 * | `{"tagged": "…"}` | thinking as text between `<thinking>` tags; `chunk`, `delay` |
 * | `{"redacted": "base64"}` | a `reasoningContentEvent` with `redactedContent` |
 * | `{"tool": "Name", "input": {…}}` | `toolUseEvent`s; an `input` of type string is sent as it is; `id`; `chunk`, `delay`; `stop: false` leaves it unfinished |
 * | `{"metadataEvent": true}` | exact usage, computed; an object replaces members of `tokenUsage` |
 * | `{"tokenUsageEvent": true}` | the same figures at the root of an event of that name |
 * | `{"contextUsageEvent": true}` | the share of the context window, computed, or the number given |
 * | `{"meteringEvent": true}` | credits, computed, or the number given |
 * | `{"frame": "eventType", "payload": …}` | any event |
 * | `{"exception": "Type"}` | an exception frame; `message`, `reason` |
 * | `{"error": "code"}` | an error frame; `message` |
 * | `{"invalidState": "message"}` | an `invalidStateEvent` |
 * | `{"end": true}` | the end, now: no usage, no closing events |
 * | `{"cut": true}` | the socket is destroyed; `"inFrame"`: in the middle of a frame |
 * | `{"truncate": true}` | half a frame, then a clean end of the body |
 * | `{"stall": true}` | silence until the client goes away |
 * | `{"corrupt": "payload"}` | a frame with a wrong byte there: `prelude`, `length`, `headers`, `payload` or `crc` |
 * | `{"delay": ms}` | a pause after the headers; `{"headersDelay": ms}`: before them |
 * | `{"split": bytes}` | from here on every write is cut into pieces of that size; 0: no more |
 * | `{"batch": frames}` | from here on so many frames go out as one write, or fewer before a pause; 0: no more |
 * | `{"http": {"status": 500}}` | a plain answer; `type`, `message`, `reason`, `retryAfter`, `headers`, `body` |
 * | `{"masked": {"type", "message"}}` | HTTP 200 with a JSON error |
 * | `{"json": …}` | HTTP 200 with this JSON: the answer of an operation that does not stream |
 * | `{"fail": "name"}` | the named failure; once frames have gone out, its exception frame; `retryAfter`: seconds |
 *
 * Usage is sent at the end unless a step of it was played: `contextUsageEvent`, `meteringEvent`, `metadataEvent`.
 */
import { Result, Schema } from "effect"
import { FailureName, HttpFailure } from "./FailurePreset.ts"
import { KiroModel } from "./KiroModelList.ts"
import { schemaFault } from "./SchemaFault.ts"
import { Account } from "./SimulatedAccount.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Milliseconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 86_400_000 }))
const JsonObject = Schema.Record(Schema.String, Schema.Unknown)
const True = Schema.Literal(true)

const pace = { chunk: Schema.optionalKey(Count), delay: Schema.optionalKey(Milliseconds) }
export interface Pace {
  readonly chunk?: number
  readonly delay?: number
}

/** One step; see the module's table. */
export const Step = Schema.Union(
  [
    Schema.Struct({
      text: Schema.String,
      ...pace,
      repeat: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
      modelId: Schema.optionalKey(Schema.String)
    }),
    Schema.Struct({
      thinking: Schema.String,
      signature: Schema.optionalKey(Schema.NullOr(Schema.String)),
      ...pace
    }),
    Schema.Struct({ signature: Schema.String }),
    Schema.Struct({ tagged: Schema.String, ...pace }),
    Schema.Struct({ redacted: Schema.String }),
    Schema.Struct({
      tool: Schema.String,
      input: Schema.optionalKey(Schema.Unknown),
      id: Schema.optionalKey(Schema.String),
      stop: Schema.optionalKey(Schema.Boolean),
      ...pace
    }),
    Schema.Struct({ metadataEvent: Schema.Union([True, JsonObject]) }),
    Schema.Struct({ tokenUsageEvent: Schema.Union([True, JsonObject]) }),
    Schema.Struct({ contextUsageEvent: Schema.Union([True, Schema.Finite]) }),
    Schema.Struct({ meteringEvent: Schema.Union([True, Schema.Finite]) }),
    Schema.Struct({ frame: Schema.String, payload: Schema.Unknown }),
    Schema.Struct({
      exception: Schema.String,
      message: Schema.optionalKey(Schema.String),
      reason: Schema.optionalKey(Schema.String)
    }),
    Schema.Struct({ error: Schema.String, message: Schema.optionalKey(Schema.String) }),
    Schema.Struct({ invalidState: Schema.String }),
    Schema.Struct({ end: True }),
    Schema.Struct({ cut: Schema.Union([True, Schema.Literal("inFrame")]) }),
    Schema.Struct({ truncate: True }),
    Schema.Struct({ stall: True }),
    Schema.Struct({ corrupt: Schema.Literals(["prelude", "length", "headers", "payload", "crc"]) }),
    Schema.Struct({ delay: Milliseconds }),
    Schema.Struct({ headersDelay: Milliseconds }),
    Schema.Struct({ split: Count }),
    Schema.Struct({ batch: Count }),
    Schema.Struct({ http: HttpFailure }),
    Schema.Struct({ masked: Schema.Struct({ type: Schema.String, message: Schema.String }) }),
    Schema.Struct({ json: Schema.Unknown }),
    Schema.Struct({ fail: FailureName, retryAfter: Schema.optionalKey(Schema.Finite) })
  ],
  { mode: "oneOf" }
)
export type Step = typeof Step.Type

/** What the simulator is asked to do. */
export const Operation = Schema.Literals(["generate", "mcp", "models", "profiles", "usage", "refresh"])
export type Operation = typeof Operation.Type

/** One rule; see the module's text. */
export const Rule = Schema.Struct({
  match: Schema.optionalKey(
    Schema.String.check(Schema.makeFilter(isPattern, { expected: "text or /a regular expression/" }))
  ),
  credential: Schema.optionalKey(Schema.String),
  model: Schema.optionalKey(Schema.String),
  operation: Schema.optionalKey(Operation),
  skip: Schema.optionalKey(Count),
  times: Schema.optionalKey(Count),
  steps: Schema.optionalKey(Schema.Array(Step)),
  then: Schema.optionalKey(Schema.Array(Step)),
  fail: Schema.optionalKey(FailureName),
  failFirst: Schema.optionalKey(Count)
})
export type Rule = typeof Rule.Type

const ScriptObject = Schema.Struct({
  accounts: Schema.optionalKey(Schema.Array(Account)),
  models: Schema.optionalKey(Schema.Array(KiroModel)),
  rules: Schema.optionalKey(Schema.Array(Rule))
})
export type Script = typeof ScriptObject.Type

/** Why text is no script: the member's path and what is wrong there. */
export class ScriptError extends Schema.TaggedError<ScriptError>()("ScriptError", {
  path: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return this.path === "" ? this.problem : `${this.path}: ${this.problem}`
  }
}

/** Reads the text of a script file. */
export const parseScript = (text: string): Result.Result<Script, ScriptError> =>
  decodeJson(text, (value) =>
    Array.isArray(value) ? decodeWith(decodeScript, { rules: value }) : decodeWith(decodeScript, value)
  )

/** Reads what stands behind `!sim` in a request: steps or a rule. */
export const parseDirective = (text: string): Result.Result<Rule, ScriptError> =>
  decodeJson(text, (value) => decodeWith(decodeRule, Array.isArray(value) ? { steps: value } : value))

/** Whether `text` meets a rule's `match`. */
export const matches = (match: string, text: string): boolean => {
  const pattern = toPattern(match)
  return pattern === null ? text.includes(match) : pattern.test(text)
}

const strict = { onExcessProperty: "error" } as const
const decodeScript = Schema.decodeUnknownResult(ScriptObject, strict)
const decodeRule = Schema.decodeUnknownResult(Rule, strict)
const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** Decodes a part of a script. */
export const decodeWith = <A>(decode: (value: unknown) => Result.Result<A, Schema.SchemaError>, value: unknown) =>
  Result.mapError(decode(value), (error) => new ScriptError({ ...schemaFault(error) }))

/** Reads a script's JSON. */
export const decodeJson = <A>(text: string, use: (value: unknown) => Result.Result<A, ScriptError>) =>
  Result.flatMap(
    Result.mapError(parseJson(text), () => new ScriptError({ path: "", problem: "not JSON" })),
    use
  )

/** Whether a rule's `match` is text or a regular expression that compiles. */
export function isPattern(match: string): boolean {
  try {
    toPattern(match)
    return true
  } catch {
    return false
  }
}

function toPattern(match: string): RegExp | null {
  const parts = /^\/(.+)\/([a-z]*)$/s.exec(match)
  return parts === null ? null : new RegExp(parts[1] ?? "", parts[2])
}
