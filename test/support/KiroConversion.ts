/**
 * KiroConversion: a client's request turned into the body that goes upstream, read back for a test to look at.
 */
import { assert } from "@effect/vitest"
import { Result, Schema } from "effect"
import { type MessagesRequest, validateMessagesRequest } from "../../src/message/MessagesRequest.ts"
import { sha256Hex } from "../../src/message/Sha256.ts"
import type { RequestRefusal } from "../../src/upstream/kiro/KiroModel.ts"
import {
  type Attempt,
  type ConversionOptions,
  convertRequest,
  encodeRequest,
  type KiroRequest
} from "../../src/upstream/kiro/KiroRequest.ts"
import { checkBody } from "./AwsModel.ts"

const list = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.Array(schema))
const Media = Schema.Struct({
  format: Schema.String,
  name: Schema.optionalKey(Schema.String),
  source: Schema.Struct({ bytes: Schema.String })
})
const Point = Schema.optionalKey(Schema.Struct({ type: Schema.Literal("default") }))
const User = Schema.Struct({
  content: Schema.String,
  modelId: Schema.String,
  origin: Schema.String,
  images: list(Media),
  documents: list(Media),
  cachePoint: Point,
  userInputMessageContext: Schema.optionalKey(
    Schema.Struct({
      toolResults: list(
        Schema.Struct({
          toolUseId: Schema.String,
          content: Schema.Array(Schema.Struct({ text: Schema.String })),
          status: Schema.String
        })
      ),
      tools: list(
        Schema.Struct({
          toolSpecification: Schema.Struct({
            name: Schema.String,
            description: Schema.String,
            inputSchema: Schema.Struct({ json: Schema.Record(Schema.String, Schema.Unknown) })
          })
        })
      )
    })
  )
})
const Assistant = Schema.Struct({
  content: Schema.String,
  toolUses: list(Schema.Struct({ toolUseId: Schema.String, name: Schema.String, input: Schema.Unknown })),
  reasoningContent: Schema.optionalKey(Schema.Unknown),
  cachePoint: Point
})
const Body = Schema.Struct({
  conversationState: Schema.Struct({
    conversationId: Schema.String,
    agentContinuationId: Schema.optionalKey(Schema.String),
    agentTaskType: Schema.optionalKey(Schema.String),
    chatTriggerType: Schema.String,
    currentMessage: Schema.Struct({ userInputMessage: User }),
    history: list(
      Schema.Struct({
        userInputMessage: Schema.optionalKey(User),
        assistantResponseMessage: Schema.optionalKey(Assistant)
      })
    )
  }),
  profileArn: Schema.optionalKey(Schema.String),
  additionalModelRequestFields: Schema.optionalKey(Schema.Unknown)
})
const decodeBody = Schema.decodeUnknownSync(Body)

/** A message of a body, whichever side it is on. */
export interface Said {
  readonly user?: typeof User.Type
  readonly assistant?: typeof Assistant.Type
}

export const options: ConversionOptions = {
  model: "claude-sonnet-4.5",
  documents: "native",
  webSearch: true,
  cachePoints: 0,
  reasoning: "native",
  thinkingTags: true,
  sha256Hex
}

export const attempt: Attempt = {
  conversationId: "0b4445e1-f5be-49e1-87ce-62bbc28ad705",
  agentContinuationId: "f8cf891d-00af-427d-334b-78858fd35425",
  profileArn: null,
  externalIdp: false,
  modelFields: null
}

/** A request with what each needs; the test fails if a client could not send it. */
export const requestOf = (members: object): MessagesRequest =>
  Result.getOrThrowWith(
    validateMessagesRequest({ model: "claude-sonnet-4-5", max_tokens: 1024, ...members }),
    (invalid) => new Error(`${invalid.path}: ${invalid.problem}`)
  )

/** A converted request; the test fails if it is refused. */
export const converted = (members: object, changes: Partial<ConversionOptions> = {}): KiroRequest =>
  Result.getOrThrowWith(
    convertRequest(requestOf(members), { ...options, ...changes }),
    (refusal) => new Error(`${refusal.path}: ${refusal.message}`)
  )

/** The refusal of a request; the test fails if it is converted. */
export const refusalOf = (members: object, changes: Partial<ConversionOptions> = {}): RequestRefusal =>
  Result.getOrThrowWith(
    Result.flip(convertRequest(requestOf(members), { ...options, ...changes })),
    () => new Error("converted")
  )

/** The body of an attempt, parsed; the test fails if AWS's client or the service would not take it. */
export const bodyOf = (request: KiroRequest, changes: Partial<Attempt> = {}) => {
  const body: unknown = JSON.parse(encodeRequest(request, { ...attempt, ...changes }))
  assert.deepStrictEqual(checkBody(body), [])
  return decodeBody(body)
}

/** All messages of a converted request, in order; the last is the current one. */
export const saidIn = (members: object, changes: Partial<ConversionOptions> = {}): ReadonlyArray<Said> => {
  const { conversationState } = bodyOf(converted(members, changes))
  return [
    ...(conversationState.history ?? []).map(({ assistantResponseMessage: assistant, userInputMessage: user }) => ({
      ...(assistant === undefined ? {} : { assistant }),
      ...(user === undefined ? {} : { user })
    })),
    { user: conversationState.currentMessage.userInputMessage }
  ]
}

/** What each message says, marked by its side. */
export const linesIn = (members: object, changes: Partial<ConversionOptions> = {}): ReadonlyArray<string> =>
  saidIn(members, changes).map(({ assistant, user }) =>
    assistant === undefined ? `user: ${user?.content}` : `assistant: ${assistant.content}`
  )
