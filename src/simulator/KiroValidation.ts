/**
 * KiroValidation: what AWS refuses, decided from the body alone.
 *
 * First the shape (`KiroShape`), then the rules that no shape can say: alternation, pairing of tool calls and results,
 * defined tools, cache points, sizes. The first broken rule is the answer.
 *
 * **Source:** AWS's published `codewhisperer-streaming` model; behaviour as observed by public Kiro clients.
 */
import { Result, Schema } from "effect"
import { type AwsError, improper } from "./AwsError.ts"
import { findAttachmentFault } from "./AttachmentRules.ts"
import { findConversationFault } from "./ConversationRules.ts"
import type { KiroModel } from "./KiroModelList.ts"
import { KiroRequest, type UserInputMessage } from "./KiroShape.ts"
import { countPoints, promptBlocks, type PromptBlock } from "./PromptBlocks.ts"
import { schemaFault } from "./SchemaFault.ts"
import { findToolFault } from "./ToolRules.ts"

/** What the rules need to know beside the body. */
export interface ValidationContext {
  /** The models this caller may use. */
  readonly models: ReadonlyArray<KiroModel>
  /** Value of the `tokentype` header in upper case, if there was one. */
  readonly tokenType: string | undefined
  /** The caller's own profile, if it has one. */
  readonly profileArn: string | undefined
  /** Whether a signature proves a thinking text. */
  readonly proves: (signature: string, text: string) => boolean
}

/** A request that AWS would answer. */
export interface ValidRequest {
  readonly request: KiroRequest
  readonly current: UserInputMessage
  readonly model: KiroModel
  readonly blocks: ReadonlyArray<PromptBlock>
}

/** Judges a parsed body. */
export const validateRequest = (body: unknown, context: ValidationContext): Result.Result<ValidRequest, AwsError> => {
  const decoded = decodeRequest(body, { onExcessProperty: "error" })
  if (Result.isFailure(decoded)) return Result.fail(improper(describe(decoded.failure), "REQUEST_BODY_INVALID"))
  const request = decoded.success
  const { currentMessage } = request.conversationState
  if (!("userInputMessage" in currentMessage)) return Result.fail(improper("currentMessage must be a userInputMessage"))
  const current = currentMessage.userInputMessage
  const model = context.models.find((candidate) => candidate.modelId === (current.modelId ?? "auto"))
  if (model === undefined) return Result.fail(invalidModel(current.modelId ?? "auto"))
  const blocks = promptBlocks(request)
  const fault =
    findCallerFault(request, context) ??
    findConversationFault(request, context.proves) ??
    findToolFault(request) ??
    findAttachmentFault(request, model) ??
    findSizeFault(request, model, blocks)
  return fault === null ? Result.succeed({ request, current, model, blocks }) : Result.fail(fault)
}

const decodeRequest = Schema.decodeUnknownResult(KiroRequest)
const describe = (error: Schema.SchemaError): string => {
  const { path, problem } = schemaFault(error)
  return `${path}: ${problem}`
}

const invalidModel = (modelId: string): AwsError => ({
  status: 400,
  type: "ValidationException",
  message: "Invalid model. Please select a different model to continue.",
  reason: "INVALID_MODEL_ID",
  detail: `${modelId} is not in this caller's list`
})

const findCallerFault = (request: KiroRequest, context: ValidationContext): AwsError | null => {
  const { agentContinuationId, agentTaskType, conversationId, currentMessage } = request.conversationState
  if (typeof conversationId === "string" && !/^[A-Za-z0-9-]{1,128}$/.test(conversationId)) {
    return improper("conversationId must be 1 to 128 letters, digits or hyphens", "INVALID_CONVERSATION_ID")
  }
  if (context.tokenType === "EXTERNAL_IDP") {
    const messageContext =
      "userInputMessage" in currentMessage ? currentMessage.userInputMessage.userInputMessageContext : null
    const empty = messageContext !== undefined && messageContext !== null && Object.keys(messageContext).length === 0
    if (present(agentContinuationId) || present(agentTaskType) || empty) {
      return improper(
        "EXTERNAL_IDP callers send no agentContinuationId, agentTaskType or empty userInputMessageContext"
      )
    }
  }
  if (present(request.profileArn) && context.profileArn !== undefined && request.profileArn !== context.profileArn) {
    return {
      status: 403,
      type: "AccessDeniedException",
      message: "User is not authorized to make this call.",
      detail: "profileArn is another account's"
    }
  }
  return null
}

const findSizeFault = (request: KiroRequest, model: KiroModel, blocks: ReadonlyArray<PromptBlock>): AwsError | null => {
  const points = countPoints(request)
  const maximum = model.promptCaching.maximumCacheCheckpointsPerRequest
  if (points > maximum)
    return improper(`${points} cache points; ${model.modelId} takes ${maximum}`, "REQUEST_BODY_INVALID")
  const tokens = blocks.reduce((sum, block) => sum + block.tokens, 0)
  if (tokens <= model.tokenLimits.maxInputTokens) return null
  return {
    status: 400,
    type: "ValidationException",
    message: "Input is too long.",
    reason: "CONTENT_LENGTH_EXCEEDS_THRESHOLD",
    detail: `${tokens} tokens; ${model.modelId} takes ${model.tokenLimits.maxInputTokens}`
  }
}

const present = (value: unknown): boolean => value !== undefined && value !== null
