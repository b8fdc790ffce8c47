/**
 * AwsModel: judges a body of `GenerateAssistantResponse` by AWS's own client, and by how the service is known to behave.
 *
 * The shape comes from the schemas that AWS publishes inside `@aws/codewhisperer-streaming-client`, which its client
 * uses to write requests: members, their types, which are required, unions. Enumerations are listed there beside the
 * schemas and are matched by the member that holds them. The rules of conversation are in no schema.
 */
import * as Aws from "@aws/codewhisperer-streaming-client"

/** What is wrong with a parsed body; empty if nothing is. Each entry names a path. */
export const checkBody = (body: unknown): ReadonlyArray<string> => {
  const shape = checkShape(Aws.GenerateAssistantResponseRequest$, body, "$", "")
  // Rules of conversation suppose the shape.
  return shape.length > 0 ? shape : checkConversation(body)
}

/** The same for a parsed body of `InvokeMCP`. */
export const checkMcpBody = (body: unknown): ReadonlyArray<string> => checkShape(Aws.InvokeMCPRequest$, body, "$", "")

const enums: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "ConversationState.chatTriggerType": Aws.ChatTriggerType,
  "ConversationState.agentTaskType": Aws.AgentTaskType,
  "UserInputMessage.origin": Aws.Origin,
  "UserInputMessage.userIntent": Aws.UserIntent,
  "ImageBlock.format": Aws.ImageFormat,
  "DocumentBlock.format": Aws.DocumentFormat,
  "ToolResult.status": Aws.ToolResultStatus,
  "CachePoint.type": Aws.CachePointType,
  "InvokeMCPRequest.method": Aws.MCPMethod
}

/** Kinds of schema, as the first element of a static schema. */
const kind = { simple: 0, list: 1, map: 2, structure: 3, union: 4 }
/** Simple schemas, as numbers. */
const simple = { string: 0, number: 1, boolean: 2, document: 15, blob: 21 }
/** Without a group, which would take the stack for each repetition. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/

const checkShape = (reference: unknown, value: unknown, path: string, place: string): ReadonlyArray<string> => {
  const schema: unknown = typeof reference === "function" ? reference() : reference
  if (typeof schema === "number") return checkSimple(schema, value, path, place)
  if (!Array.isArray(schema)) return [`${path}: no schema`]
  switch (schema[0]) {
    case kind.simple:
      return checkShape(schema[4], value, path, place)
    case kind.list:
      if (!Array.isArray(value)) return [`${path}: not a list`]
      return value.flatMap((item, index) => checkShape(targetOf(schema[4]), item, `${path}[${index}]`, place))
    case kind.map:
      if (!isRecord(value)) return [`${path}: not a map`]
      return Object.entries(value).flatMap(([key, item]) =>
        checkShape(targetOf(schema[5]), item, `${path}.${key}`, place)
      )
    case kind.structure:
    case kind.union:
      return checkMembers(schema, value, path)
    default:
      return [`${path}: schema of kind ${schema[0]}`]
  }
}

const checkMembers = (schema: ReadonlyArray<unknown>, value: unknown, path: string): ReadonlyArray<string> => {
  if (!isRecord(value)) return [`${path}: not an object`]
  const [type, , name, , memberNames, memberSchemas, requiredCount] = schema
  if (!isList(memberNames) || !isList(memberSchemas)) return [`${path}: schema without members`]
  const members = new Map(memberNames.map((member, index) => [String(member), memberSchemas[index]]))
  const keys = Object.keys(value)
  const found = keys.flatMap((key) => {
    const member = members.get(key)
    if (member === undefined || isHeader(member)) return [`${path}.${key}: not a member of ${String(name)}`]
    return checkShape(targetOf(member), value[key], `${path}.${key}`, `${String(name)}.${key}`)
  })
  if (type === kind.union) {
    return keys.length === 1 ? found : [...found, `${path}: ${keys.length} members of the union ${String(name)}`]
  }
  const required = memberNames.slice(0, typeof requiredCount === "number" ? requiredCount : 0)
  return [
    ...found,
    ...required.filter((member) => !keys.includes(String(member))).map((member) => `${path}.${String(member)}: missing`)
  ]
}

const checkSimple = (schema: number, value: unknown, path: string, place: string): ReadonlyArray<string> => {
  switch (schema) {
    case simple.string: {
      if (typeof value !== "string") return [`${path}: not a string`]
      const allowed = enums[place]
      return allowed === undefined || Object.values(allowed).includes(value) ? [] : [`${path}: ${value} is not allowed`]
    }
    case simple.number:
      return typeof value === "number" ? [] : [`${path}: not a number`]
    case simple.boolean:
      return typeof value === "boolean" ? [] : [`${path}: not a boolean`]
    case simple.blob:
      return typeof value === "string" && value.length % 4 === 0 && base64.test(value) ? [] : [`${path}: not base64`]
    case simple.document:
      return value === undefined ? [`${path}: no document`] : []
    default:
      return [`${path}: schema ${schema}`]
  }
}

/** A member is its schema, or a pair of schema and traits. */
const targetOf = (member: unknown): unknown =>
  Array.isArray(member) && (typeof member[0] === "function" || (typeof member[0] === "number" && member.length === 2))
    ? member[0]
    : member

const isHeader = (member: unknown): boolean =>
  Array.isArray(member) && isRecord(member[1]) && Object.keys(member[1]).length > 0

const checkConversation = (body: unknown): ReadonlyArray<string> => {
  const state = at(body, "conversationState")
  const history = list(at(state, "history"))
  const current = at(at(state, "currentMessage"), "userInputMessage")
  if (current === undefined) return ["currentMessage: not the user's"]
  const messages = [...history.map(messageOf), { user: current, assistant: undefined, path: "currentMessage" }]
  const names = list(at(at(current, "userInputMessageContext"), "tools"))
    .map((tool) => at(at(tool, "toolSpecification"), "name"))
    .filter((name) => typeof name === "string")
  return [
    ...messages.flatMap((message, index) => {
      const isUser = message.user !== undefined
      return isUser === (index % 2 === 0) ? [] : [`${message.path}: out of turn`]
    }),
    ...messages.flatMap(({ assistant, path }, index) =>
      assistant === undefined ? [] : checkAssistant(assistant, messages[index + 1]?.user, names, path)
    ),
    ...messages.flatMap(({ user, path }, index) =>
      user === undefined ? [] : checkUser(user, messages[index - 1]?.assistant, path)
    ),
    ...checkNames(names),
    ...checkDistinct(
      messages.flatMap(({ assistant }) => list(at(assistant, "toolUses")).map((use) => String(at(use, "toolUseId")))),
      "toolUseId"
    ),
    ...checkDistinct(
      messages.flatMap(({ user }) => list(at(user, "documents")).map((document) => String(at(document, "name")))),
      "document name"
    )
  ]
}

const messageOf = (message: unknown, index: number) => ({
  user: at(message, "userInputMessage"),
  assistant: at(message, "assistantResponseMessage"),
  path: `history[${index}]`
})

const checkAssistant = (
  assistant: unknown,
  next: unknown,
  toolNames: ReadonlyArray<string>,
  path: string
): ReadonlyArray<string> => {
  const uses = list(at(assistant, "toolUses"))
  const called = uses.map((use) => String(at(use, "toolUseId")))
  const answered = resultIds(next)
  return [
    ...(at(assistant, "content") === "" ? [`${path}: empty content`] : []),
    ...called.filter((id) => !answered.includes(id)).map((id) => `${path}: no result for ${id}`),
    ...called.filter((id) => !/^[a-zA-Z0-9_-]{1,64}$/.test(id)).map((id) => `${path}: id ${id}`),
    ...uses.flatMap((use) => [
      ...(toolNames.includes(String(at(use, "name"))) ? [] : [`${path}: tool ${String(at(use, "name"))} not defined`]),
      ...(isRecord(at(use, "input")) ? [] : [`${path}: input is no object`])
    ])
  ]
}

const checkUser = (user: unknown, previous: unknown, path: string): ReadonlyArray<string> => {
  const called = list(at(previous, "toolUses")).map((use) => String(at(use, "toolUseId")))
  const answered = resultIds(user)
  const content = at(user, "content")
  return [
    ...answered.filter((id) => !called.includes(id)).map((id) => `${path}: result ${id} without a call before it`),
    ...checkDistinct(answered, `${path}: result`),
    ...(content === "" && answered.length === 0 ? [`${path}: empty content`] : []),
    ...(typeof at(user, "modelId") === "string" ? [] : [`${path}: no modelId`]),
    ...(at(user, "origin") === "AI_EDITOR" ? [] : [`${path}: origin`]),
    ...(path !== "currentMessage" && at(at(user, "userInputMessageContext"), "tools") !== undefined
      ? [`${path}: tools in history`]
      : [])
  ]
}

const checkNames = (names: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...checkDistinct(
    names.map((name) => name.toLowerCase()),
    "tool"
  ),
  ...names.filter((name) => !/^[a-zA-Z0-9_-]{1,63}$/.test(name)).map((name) => `tool name ${name}`)
]

const checkDistinct = (items: ReadonlyArray<string>, what: string): ReadonlyArray<string> =>
  items.filter((item, index) => items.indexOf(item) !== index).map((item) => `${what} ${item} twice`)

const resultIds = (user: unknown): ReadonlyArray<string> =>
  list(at(at(user, "userInputMessageContext"), "toolResults")).map((result) => String(at(result, "toolUseId")))

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isList = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

const at = (value: unknown, key: string): unknown => (isRecord(value) ? value[key] : undefined)

const list = (value: unknown): ReadonlyArray<unknown> => (isList(value) ? value : [])
