/**
 * ToolRules: how tools are defined, and that whatever the history calls is defined.
 *
 * **Source:** behaviour of `GenerateAssistantResponse` as observed by public Kiro clients; `ValidationException` reasons
 * of AWS's published model.
 */
import { type AwsError, improper } from "./AwsError.ts"
import type { KiroRequest, ToolSpecification } from "./KiroShape.ts"

const NAME = /^[A-Za-z0-9_-]{1,64}$/
/** Longest description of a tool, in characters. */
const MAX_DESCRIPTION = 10_240

/** The first rule about tools that a request breaks, or null. */
export const findToolFault = (request: KiroRequest): AwsError | null => {
  const defined = new Set<string>()
  for (const tool of definedTools(request)) {
    const fault = findDefinitionFault(tool)
    if (fault !== null) return fault
    // Kiro compares names without regard to case.
    const name = tool.name.toLowerCase()
    if (defined.has(name)) return improper(`tool ${tool.name} is defined twice`, "TOOL_DUPLICATE")
    defined.add(name)
  }
  const missing = calledTools(request).find((name) => !defined.has(name.toLowerCase()))
  return missing === undefined ? null : improper(`tool ${missing} is called and not defined`, "TOOL_CONFIG_MISSING")
}

const definedTools = (request: KiroRequest): ReadonlyArray<ToolSpecification> => {
  const { currentMessage } = request.conversationState
  const tools =
    "userInputMessage" in currentMessage ? currentMessage.userInputMessage.userInputMessageContext?.tools : null
  return (tools ?? []).flatMap((tool) => ("toolSpecification" in tool ? [tool.toolSpecification] : []))
}

const calledTools = (request: KiroRequest): ReadonlyArray<string> =>
  (request.conversationState.history ?? []).flatMap((message) =>
    "assistantResponseMessage" in message
      ? (message.assistantResponseMessage.toolUses ?? []).map((use) => use.name)
      : []
  )

const findDefinitionFault = (tool: ToolSpecification): AwsError | null => {
  if (!NAME.test(tool.name)) return improper(`tool name ${tool.name} must be 1 to 64 letters, digits, _ or -`)
  const description = tool.description ?? null
  if (description !== null && (description.trim() === "" || description.length > MAX_DESCRIPTION)) {
    return improper(`the description of tool ${tool.name} is empty or longer than ${MAX_DESCRIPTION} characters`)
  }
  const schema = tool.inputSchema.json
  return isObjectSchema(schema)
    ? null
    : improper(`the schema of tool ${tool.name} is not of an object`, "TOOL_SCHEMA_INVALID")
}

const isObjectSchema = (schema: unknown): boolean => {
  if (!isObject(schema) || schema["type"] !== "object") return false
  const { properties, required } = schema
  if (properties !== undefined && (!isObject(properties) || !Object.values(properties).every(isSchema))) return false
  return required === undefined || (Array.isArray(required) && required.every((name) => typeof name === "string"))
}

const isSchema = (schema: unknown): boolean => typeof schema === "boolean" || isObject(schema)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
