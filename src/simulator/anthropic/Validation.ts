/**
 * Validation: whether a body is a messages request that the API would take, and what it comes to.
 */
import { Result } from "effect"
import { type ApiError, invalid, notFound } from "./ApiError.ts"
import { findConversationFault } from "./ConversationRules.ts"
import { type Block, blocksOf, type MessagesBody, readBody } from "./MessagesBody.ts"
import { findModel, lineOf, longestAnswerOf, type Model, windowOf } from "./ModelList.ts"
import { findBreakpointFault, type PromptBlock, promptBlocks, totalTokens } from "./PromptBlocks.ts"
import { isObject } from "./Shape.ts"
import { findThinkingFault, proofOf } from "./ThinkingRules.ts"

/** What of the simulator's memory a request is judged by. */
export interface Judge {
  /** The models the caller may use. */
  readonly models: ReadonlyArray<Model>
  readonly betas: ReadonlyArray<string>
  /** The whole conversation of a request that continues a thread. */
  readonly resolve: (body: MessagesBody) => Result.Result<MessagesBody, ApiError>
  /** Whether thinking of a line of models came from here. */
  readonly proves: (line: string, proof: string, text: string) => boolean
  readonly hasFile: (id: string) => boolean
}

/** A request that may be answered. */
export interface Valid {
  /** With the whole conversation, also where it continues a thread. */
  readonly body: MessagesBody
  readonly model: Model
  readonly blocks: ReadonlyArray<PromptBlock>
}

/** Judges a body; the first fault decides. */
export const validate = (
  operation: "messages" | "count_tokens",
  value: unknown,
  judge: Judge
): Result.Result<Valid, ApiError> =>
  Result.flatMap(Result.flatMap(readBody(operation, value, judge.betas), judge.resolve), (body) =>
    judgeBody(body, judge)
  )

const judgeBody = (body: MessagesBody, judge: Judge): Result.Result<Valid, ApiError> => {
  const model = findModel(judge.models, body.model)
  if (model === undefined) return Result.fail(notFound(`model: ${body.model}`))
  const blocks = promptBlocks(body)
  const fault =
    findLengthFault(body, model) ??
    findToolFault(body) ??
    findConversationFault(body.messages) ??
    findBreakpointFault(body) ??
    findThinkingFault(body, (block) => {
      const proof = proofOf(block)
      return proof === null || judge.proves(lineOf(model), proof.proof, proof.text)
    }) ??
    findMissingFile(body, judge.hasFile) ??
    findExcess(totalTokens(blocks), windowOf(model))
  return fault === null ? Result.succeed({ body, model, blocks }) : Result.fail(fault)
}

const findLengthFault = ({ max_tokens }: MessagesBody, model: Model): ApiError | null => {
  const longest = longestAnswerOf(model)
  return max_tokens === undefined || max_tokens <= longest
    ? null
    : invalid(
        `max_tokens: ${max_tokens} > ${longest}, which is the maximum allowed number of output tokens for ${model.id}`
      )
}

const findToolFault = ({ tool_choice, tools }: MessagesBody): ApiError | null => {
  const names = (tools ?? []).flatMap(({ name }) => name ?? [])
  if (new Set(names).size < names.length) return invalid("tools: Tool names must be unique.")
  if (tool_choice === undefined) return null
  if (tools === undefined || tools.length === 0) {
    return tool_choice.type === "none" ? null : invalid("tool_choice may only be specified while providing tools.")
  }
  return tool_choice.type === "tool" && !names.includes(tool_choice.name ?? "")
    ? invalid(`Tool '${tool_choice.name}' not found in provided tools`)
    : null
}

const findMissingFile = (body: MessagesBody, hasFile: Judge["hasFile"]): ApiError | null => {
  const missing = body.messages.flatMap(({ content }) => filesIn(blocksOf(content))).find((id) => !hasFile(id))
  return missing === undefined ? null : notFound(`File not found: ${missing}`)
}

const filesIn = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> =>
  blocks.flatMap(({ content, file_id: upload, source, type }) => {
    const inner = type === "tool_result" && Array.isArray(content) ? content.filter(isBlock) : []
    const given =
      type === "container_upload" ? upload : isObject(source) && source["type"] === "file" ? source["file_id"] : null
    return [...filesIn(inner), ...(typeof given === "string" ? [given] : [])]
  })

const isBlock = (value: unknown): value is Block => isObject(value) && typeof value["type"] === "string"

const findExcess = (tokens: number, maximum: number): ApiError | null =>
  tokens <= maximum ? null : invalid(`prompt is too long: ${tokens} tokens > ${maximum} maximum`)
