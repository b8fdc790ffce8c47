/**
 * KiroModel: the parts of a `GenerateAssistantResponse` request that Weir writes.
 *
 * **Source:** AWS's published `codewhisperer-streaming` model.
 */

/** Picture formats that the service takes. */
export type KiroImageFormat = "jpeg" | "png" | "gif" | "webp"

/** A picture of one message. */
export interface KiroImage {
  readonly format: KiroImageFormat
  /** Base64. */
  readonly source: { readonly bytes: string }
}

/** Document formats that the service takes. */
export type KiroDocumentFormat = "pdf" | "csv" | "doc" | "docx" | "xls" | "xlsx" | "html" | "txt" | "md"

/** A document of one message. */
export interface KiroDocument {
  /** Unique within a request; letters, digits, single spaces, hyphens, parentheses and brackets. */
  readonly name: string
  readonly format: KiroDocumentFormat
  /** Base64. */
  readonly source: { readonly bytes: string }
}

/** A call of a tool, in the assistant's message. */
export interface KiroToolUse {
  readonly toolUseId: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

/** What a tool answered, in the user message directly after the call. */
export interface KiroToolResult {
  readonly toolUseId: string
  readonly content: ReadonlyArray<{ readonly text: string }>
  readonly status: "success" | "error"
}

/** What the model thought before its answer: readable and signed, or opaque. One for each message. */
export type KiroReasoning =
  | { readonly reasoningText: { readonly text: string; readonly signature: string } }
  /** Base64. */
  | { readonly redactedContent: string }

/** A tool that the model may call. */
export interface KiroTool {
  readonly toolSpecification: {
    readonly name: string
    readonly description: string
    readonly inputSchema: { readonly json: Readonly<Record<string, unknown>> }
  }
}

/** Behind what carries it the prompt up to there is cached. */
export interface KiroCachePoint {
  readonly type: "default"
}

/** A message of the user's side. */
export interface KiroUserMessage {
  readonly content: string
  readonly modelId: string
  readonly origin: "AI_EDITOR"
  readonly images?: ReadonlyArray<KiroImage>
  readonly documents?: ReadonlyArray<KiroDocument>
  readonly cachePoint?: KiroCachePoint
  readonly userInputMessageContext?: {
    readonly toolResults?: ReadonlyArray<KiroToolResult>
    readonly tools?: ReadonlyArray<KiroTool>
  }
}

/** A message of the assistant. */
export interface KiroAssistantMessage {
  /** Never empty. */
  readonly content: string
  readonly toolUses?: ReadonlyArray<KiroToolUse>
  readonly reasoningContent?: KiroReasoning
  readonly cachePoint?: KiroCachePoint
}

/** One entry of `history`. */
export type KiroChatMessage =
  | { readonly userInputMessage: KiroUserMessage }
  | { readonly assistantResponseMessage: KiroAssistantMessage }

/** Why a request can't be converted: which member, as a client would write its path, and what is wrong there. */
export interface RequestRefusal {
  /** For example `messages.0.content.1.source`. */
  readonly path: string
  readonly message: string
}
