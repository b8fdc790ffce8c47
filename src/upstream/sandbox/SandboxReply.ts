/**
 * SandboxReply: what the sandbox replies to each of Kiro's operations. Pure.
 *
 * **Source:** AWS `GenerateAssistantResponse`, `InvokeMCP`, `ListAvailableModels`, `ListAvailableProfiles` and
 * `GetUsageLimits`.
 */
import { Result, Schema } from "effect"
import { answerTo } from "./SandboxAgent.ts"
import { decodeBody, inputTokens } from "./SandboxBody.ts"
import { encodeAnswer } from "./SandboxFrames.ts"
import { readPrompt } from "./SandboxPrompt.ts"

export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
}

/** @param path of the operation, e.g. `/generateAssistantResponse` */
export const replyTo = (path: string, body: string): Reply => {
  switch (path) {
    case "/generateAssistantResponse":
      return generate(body)
    case "/mcp":
      return search(body)
    case "/ListAvailableModels":
      return json(200, { models })
    case "/ListAvailableProfiles":
      return json(200, { profiles: [] })
    case "/getUsageLimits":
      return json(200, limits)
    default:
      return json(404, { __type: "ResourceNotFoundException", message: `The sandbox has no ${path}` })
  }
}

const generate = (text: string): Reply => {
  const body = decodeBody(text)
  if (Result.isFailure(body)) return improper
  const answer = answerTo(readPrompt(body.success))
  return {
    status: 200,
    contentType: "application/vnd.amazon.eventstream",
    body: encodeAnswer(answer, inputTokens(body.success))
  }
}

const Search = Schema.Struct({
  id: Schema.String,
  params: Schema.Struct({ arguments: Schema.Struct({ query: Schema.String }) })
})
const decodeSearch = Schema.decodeUnknownResult(Schema.fromJsonString(Search))

const search = (text: string): Reply => {
  const call = decodeSearch(text)
  if (Result.isFailure(call)) return improper
  const { id, params } = call.success
  const { query } = params.arguments
  const found = {
    results: [
      {
        title: "Weir sandbox: nothing was searched",
        url: "https://example.com/",
        snippet: `The sandbox has no network. It was asked to search for: ${query}`,
        publishedDate: null
      }
    ],
    totalResults: 1,
    query
  }
  return json(200, {
    id,
    jsonrpc: "2.0",
    result: { content: [{ type: "text", text: JSON.stringify(found) }], isError: false }
  })
}

const json = (status: number, value: object): Reply => ({
  status,
  contentType: "application/json",
  body: Buffer.from(JSON.stringify(value))
})

const improper = json(400, { __type: "ValidationException", message: "Improperly formed request." })

const model = (modelId: string, modelName: string, maxInputTokens = 1_000_000) => ({
  modelId,
  modelName: `${modelName} (sandbox)`,
  tokenLimits: { maxInputTokens, maxOutputTokens: 64_000 },
  promptCaching: { supportsPromptCaching: false }
})

/** Names that clients ask for; the sandbox answers under any. */
const models = [
  model("claude-opus-4.7", "Claude Opus 4.7"),
  model("claude-opus-4.6", "Claude Opus 4.6"),
  model("claude-sonnet-4.6", "Claude Sonnet 4.6"),
  model("claude-opus-4.5", "Claude Opus 4.5", 200_000),
  model("claude-sonnet-4.5", "Claude Sonnet 4.5", 200_000),
  model("claude-haiku-4.5", "Claude Haiku 4.5", 200_000)
]

/** A plan that nothing is ever charged to. */
const limits = {
  subscriptionInfo: { subscriptionTitle: "Weir sandbox" },
  usageBreakdownList: [{ resourceType: "CREDIT", currentUsage: 0, usageLimit: 1_000 }]
}
