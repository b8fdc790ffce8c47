/**
 * Script: what a simulated Anthropic API should answer, written down as JSON.
 *
 * **A script file** is an array of rules, or an object `{ "accounts"?, "models"?, "headers"?, "rules"?, "batches"?,
 * "downloadable"? }`. The first rule that fits a request and is not used up decides; without one the built-in agent
 * answers.
 *
 * ```json
 * { "accounts": [{ "token": "sk-1", "models": ["claude-sonnet-4-5-20250929"] }, { "token": "sk-2", "organization": "org-2" }],
 *   "headers": { "anthropic-ratelimit-unified-status": "allowed" },
 *   "rules": [
 *     { "match": "weather", "content": [{ "type": "tool_use", "name": "get_weather", "input": { "city": "Paris" } }],
 *                           "then": [{ "type": "text", "text": "It is 21 degrees." }], "chunk": 4, "delay": 20 },
 *     { "account": "sk-1", "fail": "overloaded", "failFirst": 2 },
 *     { "stream": true, "skip": 3, "sse": "event: ping\r\ndata: {}\r\n\r\n", "split": 1 }
 * ] }
 * ```
 *
 * - `accounts`: see `Accounts.ts`. Absent: every key is welcome
 * - `models`: see `ModelList.ts`; the list that `GET /v1/models` tells
 * - `headers`: of every answer; null takes one of the usual ones away. An account's go before these, a rule's before both
 * - `batches`: `"at_once"` (default): a batch has ended when it was made; `"on_command"`: it ends when the test says so
 * - `downloadable`: whether the content of uploaded files may be fetched; default false, as at Anthropic
 *
 * **A rule** has conditions, all optional, all to be met:
 * - `match`: a part of the last user text, or `/a regular expression/flags`
 * - `account`: the key, or the account's name
 * - `model`: the model id as it was sent, or as the list has it
 * - `operation`: `messages` (default), `count_tokens`, `models`, `files`, `batches`; also each message of a batch is `messages`
 * - `stream`: whether a stream is asked for. A rule with `sse` is only for streams, one with `json` only for the rest
 * - `skip`: not for the first n requests that fit; `times`: only for n requests after those
 *
 * and what happens. Of an operation that is not `messages` only failures, headers and timing can be told.
 * - `content`: the blocks of the answer. Left out, they are made up: `id` of a call, `signature` of thinking (a valid
 *   one), `data` of redacted thinking. Any block is welcome; what is no text, thinking, or call goes out in one piece
 * - `then`: the blocks instead where the request brings tool results. Absent: `content`, unless it calls a tool; then the agent
 * - `stopReason`, `stopSequence`, `stopDetails`: of the answer; default `tool_use` where a tool is called, else `end_turn`
 * - `usage`: members that replace or join the counted usage. Those that `message_start` has change there too, all others
 *   and `output_tokens` come with `message_delta`
 * - `message`: members that replace or join the answer's own, e.g. `container`, `context_management`
 * - `chunk`: characters of a delta (default 16; 0: all of it); `delay`: ms before each event after the first
 * - `pings`: false leaves out the ping after `message_start`
 * - `sse`: the text of the whole stream, sent as it is
 * - `json`: the JSON of the whole answer, sent as it is
 * - `error`: `{ "type", "message", "events"? }`: an `error` event instead of what comes after so many events (default: all)
 * - `cut`: `{ "events": n }` or `{ "bytes": n }`: after those the socket closes; `stall`: silence after those instead
 * - `split`: bytes of a write; `pause`: ms between writes, apart from `delay`
 * - `headersDelay`: ms before the headers; `headers`: of this answer
 * - `gzip`: true compresses an answer that is no stream, where the client takes that
 * - `fail`: the name of a failure (see `FailurePreset.ts`), or an HTTP answer (`status`, `type`, `message`, `details`,
 *   `headers`, `body`), instead of the answer; with `failFirst` only for the first n requests. `retryAfter`: that header,
 *   in seconds or as text
 *
 * **By request text**: a line `!sim {rule}` or `!sim [blocks]` in the last user text is such a rule for this request,
 * before all others; of its conditions only the counts are looked at, and those are counted for that text as a whole.
 */
import { type Result, Schema } from "effect"
import { decodeJson, decodeWith, isPattern, type ScriptError } from "../Script.ts"
import { Account } from "./Accounts.ts"
import { FailureName, HttpFailure } from "./FailurePreset.ts"
import { Model } from "./ModelList.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Milliseconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 86_400_000 }))
const JsonObject = Schema.Record(Schema.String, Schema.Unknown)
const HeaderChanges = Schema.Record(Schema.String, Schema.NullOr(Schema.String))
const Blocks = Schema.Array(Schema.StructWithRest(Schema.Struct({ type: Schema.String }), [JsonObject]))

/** A place in an answer's body. */
const Place = Schema.Union([Schema.Struct({ events: Count }), Schema.Struct({ bytes: Count })], { mode: "oneOf" })
export type Place = typeof Place.Type

/** What the simulator is asked to do. */
export const Operation = Schema.Literals(["messages", "count_tokens", "models", "files", "batches"])
export type Operation = typeof Operation.Type

/** One rule; see the module's text. */
export const Rule = Schema.Struct({
  match: Schema.optionalKey(
    Schema.String.check(Schema.makeFilter(isPattern, { expected: "text or /a regular expression/" }))
  ),
  account: Schema.optionalKey(Schema.String),
  model: Schema.optionalKey(Schema.String),
  operation: Schema.optionalKey(Operation),
  stream: Schema.optionalKey(Schema.Boolean),
  skip: Schema.optionalKey(Count),
  times: Schema.optionalKey(Count),

  content: Schema.optionalKey(Blocks),
  then: Schema.optionalKey(Blocks),
  stopReason: Schema.optionalKey(Schema.NullOr(Schema.String)),
  stopSequence: Schema.optionalKey(Schema.String),
  stopDetails: Schema.optionalKey(JsonObject),
  usage: Schema.optionalKey(JsonObject),
  message: Schema.optionalKey(JsonObject),
  chunk: Schema.optionalKey(Count),
  delay: Schema.optionalKey(Milliseconds),
  pings: Schema.optionalKey(Schema.Boolean),

  sse: Schema.optionalKey(Schema.String),
  json: Schema.optionalKey(Schema.Unknown),

  error: Schema.optionalKey(
    Schema.Struct({ type: Schema.String, message: Schema.String, events: Schema.optionalKey(Count) })
  ),
  cut: Schema.optionalKey(Place),
  stall: Schema.optionalKey(Place),
  split: Schema.optionalKey(Count),
  pause: Schema.optionalKey(Milliseconds),
  headersDelay: Schema.optionalKey(Milliseconds),
  headers: Schema.optionalKey(HeaderChanges),
  gzip: Schema.optionalKey(Schema.Boolean),

  fail: Schema.optionalKey(Schema.Union([FailureName, HttpFailure])),
  failFirst: Schema.optionalKey(Count),
  retryAfter: Schema.optionalKey(Schema.Union([Schema.Finite, Schema.String]))
})
export type Rule = typeof Rule.Type

const ScriptObject = Schema.Struct({
  accounts: Schema.optionalKey(Schema.Array(Account)),
  models: Schema.optionalKey(Schema.Array(Model)),
  headers: Schema.optionalKey(HeaderChanges),
  rules: Schema.optionalKey(Schema.Array(Rule)),
  batches: Schema.optionalKey(Schema.Literals(["at_once", "on_command"])),
  downloadable: Schema.optionalKey(Schema.Boolean)
})
export type Script = typeof ScriptObject.Type

/** Reads the text of a script file. */
export const parseScript = (text: string): Result.Result<Script, ScriptError> =>
  decodeJson(text, (value) => decodeWith(decodeScript, Array.isArray(value) ? { rules: value } : value))

/** Reads what stands behind `!sim` in a request: blocks or a rule. */
export const parseDirective = (text: string): Result.Result<Rule, ScriptError> =>
  decodeJson(text, (value) => decodeWith(decodeRule, Array.isArray(value) ? { content: value } : value))

const strict = { onExcessProperty: "error" } as const
const decodeScript = Schema.decodeUnknownResult(ScriptObject, strict)
const decodeRule = Schema.decodeUnknownResult(Rule, strict)
