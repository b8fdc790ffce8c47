/**
 * KiroShape: the members, enums and unions of a `GenerateAssistantResponse` request, as AWS publishes them.
 *
 * Written down here a second time on purpose: the simulator judges the gateway and must not share its definitions.
 * Contexts that no gateway sends (editor, shell, git, console, diagnostics) are known by name and not looked into.
 *
 * **Source:** AWS's published `codewhisperer-streaming` model.
 */
import { Schema } from "effect"

const maybe = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const list = <S extends Schema.Top>(schema: S) => maybe(Schema.Array(schema))

const JsonObject = Schema.Record(Schema.String, Schema.Unknown)
const Blob = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9+/]*={0,2}$/, { expected: "base64" }),
  Schema.makeFilter((text: string) => text.length % 4 === 0, { expected: "base64 with its padding" })
)

const Origin = Schema.Literals([
  "AI_EDITOR",
  "CHATBOT",
  "CLI",
  "CONSOLE",
  "DOCUMENTATION",
  "GITLAB",
  "IDE",
  "INLINE_CHAT",
  "KIRO_CLI",
  "KIRO_WEB",
  "MARKETING",
  "MD",
  "MD_CE",
  "MD_IDE",
  "MOBILE",
  "OPENSEARCH_DASHBOARD",
  "Q_DEV_BEXT",
  "SAGE_MAKER",
  "SERVICE_INTERNAL",
  "SM_AI_STUDIO_IDE",
  "UNIFIED_SEARCH",
  "UNKNOWN"
])

/** Who may ask for models and usage, as a query parameter. */
export const isOrigin = Schema.is(Origin)

const UserIntent = Schema.Literals([
  "APPLY_COMMON_BEST_PRACTICES",
  "CITE_SOURCES",
  "CODE_GENERATION",
  "EXPLAIN_CODE_SELECTION",
  "EXPLAIN_LINE_BY_LINE",
  "GENERATE_CLOUDFORMATION_TEMPLATE",
  "GENERATE_UNIT_TESTS",
  "IMPROVE_CODE",
  "SHOW_EXAMPLES",
  "SUGGEST_ALTERNATE_IMPLEMENTATION"
])

const CachePoint = Schema.Struct({ type: Schema.Literal("default") })

const ImageBlock = Schema.Struct({
  format: Schema.Literals(["gif", "jpeg", "png", "webp"]),
  source: Schema.Struct({ bytes: Blob })
})

const DocumentBlock = Schema.Struct({
  name: Schema.String,
  format: Schema.Literals(["csv", "doc", "docx", "html", "md", "pdf", "txt", "xls", "xlsx"]),
  source: Schema.Struct({ bytes: Blob })
})

const ToolSpecification = Schema.Struct({
  name: Schema.String,
  description: maybe(Schema.String),
  inputSchema: Schema.Struct({ json: maybe(Schema.Unknown) })
})
export type ToolSpecification = typeof ToolSpecification.Type

const Tool = Schema.Union(
  [Schema.Struct({ toolSpecification: ToolSpecification }), Schema.Struct({ cachePoint: CachePoint })],
  { mode: "oneOf" }
)

const ToolResultContent = Schema.Union(
  [Schema.Struct({ text: Schema.String }), Schema.Struct({ json: Schema.Unknown })],
  { mode: "oneOf" }
)

const ToolResult = Schema.Struct({
  toolUseId: Schema.String,
  content: Schema.Array(ToolResultContent),
  status: maybe(Schema.Literals(["success", "error"])),
  toolName: maybe(Schema.String)
})
export type ToolResult = typeof ToolResult.Type

const EnvState = Schema.Struct({
  operatingSystem: maybe(Schema.String),
  currentWorkingDirectory: maybe(Schema.String),
  environmentVariables: list(Schema.Struct({ key: maybe(Schema.String), value: maybe(Schema.String) })),
  timezoneOffset: maybe(Schema.Int)
})

const UserInputMessageContext = Schema.Struct({
  editorState: maybe(JsonObject),
  shellState: maybe(JsonObject),
  gitState: maybe(JsonObject),
  envState: maybe(EnvState),
  appStudioContext: maybe(JsonObject),
  diagnostic: maybe(JsonObject),
  consoleState: maybe(JsonObject),
  userSettings: maybe(JsonObject),
  additionalContext: list(
    Schema.Struct({ name: Schema.String, description: Schema.String, innerContext: maybe(Schema.String) })
  ),
  toolResults: list(ToolResult),
  tools: list(Tool)
})

const UserInputMessage = Schema.Struct({
  content: Schema.String,
  userInputMessageContext: maybe(UserInputMessageContext),
  userIntent: maybe(UserIntent),
  origin: maybe(Origin),
  images: list(ImageBlock),
  documents: list(DocumentBlock),
  modelId: maybe(Schema.String),
  cachePoint: maybe(CachePoint),
  clientCacheConfig: maybe(Schema.Struct({ useClientCachingOnly: maybe(Schema.Boolean) }))
})
export type UserInputMessage = typeof UserInputMessage.Type

const ReasoningContent = Schema.Union(
  [
    Schema.Struct({ reasoningText: Schema.Struct({ text: Schema.String, signature: maybe(Schema.String) }) }),
    Schema.Struct({ redactedContent: Blob })
  ],
  { mode: "oneOf" }
)

const AssistantResponseMessage = Schema.Struct({
  content: Schema.String,
  messageId: maybe(Schema.String),
  supplementaryWebLinks: list(JsonObject),
  references: list(JsonObject),
  followupPrompt: maybe(JsonObject),
  toolUses: list(Schema.Struct({ toolUseId: Schema.String, name: Schema.String, input: Schema.Unknown })),
  cachePoint: maybe(CachePoint),
  reasoningContent: maybe(ReasoningContent)
})
export type AssistantResponseMessage = typeof AssistantResponseMessage.Type

const ChatMessage = Schema.Union(
  [
    Schema.Struct({ userInputMessage: UserInputMessage }),
    Schema.Struct({ assistantResponseMessage: AssistantResponseMessage })
  ],
  { mode: "oneOf" }
)
export type ChatMessage = typeof ChatMessage.Type

/** The body of `POST /generateAssistantResponse`. `agentMode` is a header and no member. */
export const KiroRequest = Schema.Struct({
  conversationState: Schema.Struct({
    currentMessage: ChatMessage,
    chatTriggerType: Schema.Literals(["DIAGNOSTIC", "INLINE_CHAT", "MANUAL"]),
    conversationId: maybe(Schema.String),
    workspaceId: maybe(Schema.String),
    history: list(ChatMessage),
    customizationArn: maybe(Schema.String),
    agentContinuationId: maybe(Schema.String),
    agentTaskType: maybe(Schema.Literals(["spectask", "vibe"]))
  }),
  profileArn: maybe(Schema.String),
  additionalModelRequestFields: maybe(Schema.Unknown)
})
export type KiroRequest = typeof KiroRequest.Type

/** The body of `POST /mcp`: one JSON-RPC call. */
export const McpRequest = Schema.Struct({
  id: maybe(Schema.Unknown),
  jsonrpc: maybe(Schema.String),
  method: Schema.Literals(["initialize", "notifications/initialized", "tools/call", "tools/list"]),
  params: maybe(Schema.Unknown)
})
