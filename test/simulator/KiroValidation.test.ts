import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { KiroSimulator } from "../../src/simulator/KiroSimulator.ts"
import { signatureOf } from "../../src/simulator/Signatures.ts"
import { generate, member, send } from "./ByHand.ts"

const simulator = KiroSimulator.make({
  script: {
    accounts: [
      { name: "one", accessToken: "hand", profileArn: "arn:aws:codewhisperer:us-east-1:1:profile/ONE" },
      { name: "key", apiKey: "ksk_1" },
      { name: "few", accessToken: "few", models: ["claude-sonnet-4.5"] }
    ]
  }
})

const user = (content: string, rest: object = {}) => ({
  userInputMessage: { content, modelId: "claude-sonnet-4.5", origin: "AI_EDITOR", ...rest }
})
const assistant = (content: string, rest: object = {}) => ({ assistantResponseMessage: { content, ...rest } })
const body = (currentMessage: object, history: ReadonlyArray<object> = [], rest: object = {}) => ({
  conversationState: { chatTriggerType: "MANUAL", conversationId: "c-1", currentMessage, history, ...rest }
})
const tool = (name: string, rest: object = {}) => ({
  toolSpecification: { name, description: "A tool", inputSchema: { json: { type: "object", properties: {} } }, ...rest }
})
const offering = (...tools: ReadonlyArray<object>) => ({ userInputMessageContext: { tools } })
const use = (toolUseId: string, name = "Bash", input: unknown = {}) => ({ toolUseId, name, input })
const result = (toolUseId: string, rest: object = {}) => ({
  toolUseId,
  content: [{ text: "ok" }],
  status: "success",
  ...rest
})
const answering = (...toolResults: ReadonlyArray<object>) => ({
  userInputMessageContext: { toolResults, tools: [tool("Bash")] }
})
const PNG = Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1").toString("base64")
const image = (format: string, bytes = PNG) => ({ format, source: { bytes } })
const document = (name: string, rest: object = {}) => ({ name, format: "txt", source: { bytes: "aGk=" }, ...rest })
const asked = (...toolUses: ReadonlyArray<object>) => [user("a"), assistant(" ", { toolUses })]
const thought = (reasoningContent: object) => [user("a"), assistant("b", { reasoningContent })]
const point = { type: "default" }

/** Requests that are answered: what the refusals below differ from by one thing each. */
const accepted: ReadonlyArray<readonly [string, object]> = [
  ["a plain message", body(user("hi"))],
  ["a conversation of three turns", body(user("c"), [user("a"), assistant("b")])],
  ["a tool call and its result", body(user("", answering(result("t1"))), asked(use("t1")))],
  ["a tool called in another case than defined", body(user("", answering(result("t1"))), asked(use("t1", "bash")))],
  [
    "a result in JSON that failed",
    body(user("", answering(result("t1", { content: [{ json: { a: 1 } }], status: "error" }))), asked(use("t1")))
  ],
  ["images and documents", body(user("", { images: [image("png")], documents: [document("a")] }))],
  [
    "four cache points",
    body(user("c", { cachePoint: point, ...offering(tool("A"), { cachePoint: point }) }), [
      user("a", { cachePoint: point }),
      assistant("b", { cachePoint: point })
    ])
  ],
  [
    "thinking with its signature",
    body(user("c"), thought({ reasoningText: { text: "hm", signature: signatureOf("hm") } }))
  ],
  ["redacted thinking", body(user("c"), thought({ redactedContent: "AAEC" }))],
  [
    "members that are null",
    body(user("hi", { images: null, userInputMessageContext: { tools: null } }), [], { history: null })
  ],
  ["the caller's own profile", { ...body(user("hi")), profileArn: "arn:aws:codewhisperer:us-east-1:1:profile/ONE" }]
]

describe("a request that AWS would answer", () => {
  for (const [what, request] of accepted) {
    it.effect(`is answered: ${what}`, () =>
      Effect.gen(function* () {
        const server = yield* simulator
        const answer = yield* generate(server, request)
        assert.deepStrictEqual([answer.status, answer.headers.get("x-simulator-detail")], [200, null])
        assert.strictEqual(answer.headers.get("content-type"), "application/vnd.amazon.eventstream")
        assert.deepStrictEqual(yield* server.refused, [])
      })
    )
  }
})

const INVALID = "REQUEST_BODY_INVALID"
const PAIRING = "TOOL_USE_RESULT_MISMATCH"
/** Request, `reason`, and a part of the simulator's own word for it. */
const refused: ReadonlyArray<readonly [string, string | object, string | undefined, string]> = [
  ["a body that is not JSON", "{", "REQUEST_BODY_INVALID_JSON", "the body is not JSON"],
  ["an unknown member of the root", { ...body(user("hi")), max_tokens: 1 }, INVALID, "max_tokens: Expected no excess"],
  [
    "agentMode in the body, which is a header",
    { ...body(user("hi")), agentMode: "vibe" },
    INVALID,
    "agentMode: Expected no excess"
  ],
  [
    "an unknown member of the conversation",
    body(user("hi"), [], { tool_choice: "auto" }),
    INVALID,
    "conversationState.tool_choice: Expected no excess"
  ],
  [
    "an unknown member of a user message",
    body(user("hi", { cache_control: {} })),
    INVALID,
    "userInputMessage.cache_control: Expected no excess"
  ],
  [
    "an unknown member of an assistant message",
    body(user("c"), [user("a"), assistant("b", { thinking: "x" })]),
    INVALID,
    "assistantResponseMessage.thinking: Expected no excess"
  ],
  [
    "isError on a tool result",
    body(user("", answering(result("t1", { isError: true }))), asked(use("t1"))),
    INVALID,
    "toolResults.0.isError: Expected no excess"
  ],
  [
    "an unknown member of a tool",
    body(user("hi", offering(tool("A", { input_schema: {} })))),
    INVALID,
    "toolSpecification.input_schema: Expected no excess"
  ],
  [
    "a missing chatTriggerType",
    { conversationState: { currentMessage: user("hi") } },
    INVALID,
    "chatTriggerType: Missing"
  ],
  [
    "a chatTriggerType outside the enum",
    body(user("hi"), [], { chatTriggerType: "AUTO" }),
    INVALID,
    "chatTriggerType: Expected"
  ],
  [
    "an agentTaskType outside the enum",
    body(user("hi"), [], { agentTaskType: "chat" }),
    INVALID,
    "agentTaskType: Expected"
  ],
  ["an origin outside the enum", body(user("hi", { origin: "WEIR" })), INVALID, "userInputMessage.origin: Expected"],
  [
    "a tool result status outside the enum",
    body(user("", answering(result("t1", { status: "failed" }))), asked(use("t1"))),
    INVALID,
    "toolResults.0.status: Expected"
  ],
  [
    "a cache point type outside the enum",
    body(user("hi", { cachePoint: { type: "ephemeral" } })),
    INVALID,
    "userInputMessage.cachePoint"
  ],
  [
    "an image format outside the enum",
    body(user("hi", { images: [image("bmp")] })),
    INVALID,
    "images.0.format: Expected"
  ],
  [
    "a document format outside the enum",
    body(user("hi", { documents: [document("a", { format: "rtf" })] })),
    INVALID,
    "documents.0.format: Expected"
  ],
  [
    "image bytes that are not base64",
    body(user("hi", { images: [image("png", "%%%")] })),
    INVALID,
    "images.0.source.bytes: Expected base64"
  ],
  [
    "a message that is both a user's and the assistant's",
    body({ ...user("hi"), ...assistant("b") }),
    INVALID,
    "currentMessage.assistantResponseMessage: Expected no excess"
  ],
  [
    "a tool that is both a specification and a cache point",
    body(user("hi", offering({ ...tool("A"), cachePoint: point }))),
    INVALID,
    "userInputMessageContext.tools.0."
  ],
  [
    "tool result content that is both text and JSON",
    body(user("", answering(result("t1", { content: [{ text: "a", json: {} }] }))), asked(use("t1"))),
    INVALID,
    "toolResults.0.content.0."
  ],
  [
    "reasoning that is both text and redacted",
    body(user("c"), thought({ reasoningText: { text: "x" }, redactedContent: "AA==" })),
    INVALID,
    "assistantResponseMessage.reasoningContent."
  ],

  [
    "an assistant message as the current one",
    body(assistant("b"), [user("a")]),
    undefined,
    "currentMessage must be a userInputMessage"
  ],
  [
    "two user messages in a row",
    body(user("c"), [user("a"), user("b")]),
    undefined,
    "alternate, user first; message 1"
  ],
  [
    "two assistant messages in a row",
    body(user("d"), [user("a"), assistant("b"), assistant("c")]),
    undefined,
    "alternate, user first; message 2"
  ],
  [
    "a history that begins with the assistant",
    body(user("c"), [assistant("a")]),
    undefined,
    "alternate, user first; message 0"
  ],
  [
    "empty assistant text",
    body(user("c"), [user("a"), assistant("")]),
    undefined,
    "assistant content of message 1 is empty"
  ],
  [
    "empty assistant text beside a tool call",
    body(user("", answering(result("t1"))), [user("a"), assistant("", { toolUses: [use("t1")] })]),
    undefined,
    "assistant content of message 1 is empty"
  ],
  ["an empty user message with nothing else", body(user("")), undefined, "user message 0 is empty"],
  [
    "a tool input that is no object",
    body(user("", answering(result("t1"))), asked(use("t1", "Bash", "ls"))),
    undefined,
    "an input that is no object"
  ],

  [
    "a tool call without a result",
    body(user("b", offering(tool("Bash"))), asked(use("t1"))),
    PAIRING,
    "message 2 answers [] where [t1]"
  ],
  [
    "one of two tool calls without a result",
    body(user("", answering(result("t1"))), asked(use("t1"), use("t2"))),
    PAIRING,
    "answers [t1] where [t1, t2]"
  ],
  ["a tool result without a call", body(user("", answering(result("t9")))), PAIRING, "message 0 answers [t9] where []"],
  [
    "a tool result one turn late",
    body(user("", answering(result("t1"))), [
      user("a"),
      assistant(" ", { toolUses: [use("t1")] }),
      user("b"),
      assistant("c")
    ]),
    PAIRING,
    "message 2 answers [] where [t1]"
  ],
  [
    "an orphaned tool result in the history",
    body(user("c"), [user("", answering(result("t1"))), assistant("b")]),
    PAIRING,
    "message 0 answers [t1] where []"
  ],
  [
    "two results for one tool call",
    body(user("", answering(result("t1"), result("t1"))), asked(use("t1"))),
    PAIRING,
    "answers [t1, t1] where [t1]"
  ],
  [
    "two tool calls with one id",
    body(user("", answering(result("t1"))), asked(use("t1"), use("t1"))),
    PAIRING,
    "tool use ids of message 1"
  ],

  [
    "a tool that the history calls and nobody defines",
    body(user("", { userInputMessageContext: { toolResults: [result("t1")] } }), asked(use("t1"))),
    "TOOL_CONFIG_MISSING",
    "tool Bash is called and not defined"
  ],
  [
    "two tools of one name but for case",
    body(user("hi", offering(tool("Bash"), tool("bash")))),
    "TOOL_DUPLICATE",
    "tool bash is defined twice"
  ],
  ["a tool name of 65 characters", body(user("hi", offering(tool("a".repeat(65))))), undefined, "must be 1 to 64"],
  ["a tool name with a dot", body(user("hi", offering(tool("a.b")))), undefined, "tool name a.b"],
  [
    "an empty tool description",
    body(user("hi", offering(tool("A", { description: "" })))),
    undefined,
    "description of tool A is empty"
  ],
  [
    "a tool schema that is not of an object",
    body(user("hi", offering(tool("A", { inputSchema: { json: { type: "string" } } })))),
    "TOOL_SCHEMA_INVALID",
    "schema of tool A"
  ],
  [
    "a tool schema whose required is no list of names",
    body(user("hi", offering(tool("A", { inputSchema: { json: { type: "object", required: null } } })))),
    "TOOL_SCHEMA_INVALID",
    "schema of tool A"
  ],
  [
    "a tool without a schema",
    body(user("hi", offering(tool("A", { inputSchema: {} })))),
    "TOOL_SCHEMA_INVALID",
    "schema of tool A"
  ],

  [
    "a tool described in more than 10,240 characters",
    body(user("hi", offering(tool("A", { description: "x".repeat(10_241) })))),
    undefined,
    "description of tool A"
  ],
  [
    "a tool with a property that is no schema",
    body(user("hi", offering(tool("A", { inputSchema: { json: { type: "object", properties: { a: "text" } } } })))),
    "TOOL_SCHEMA_INVALID",
    "schema of tool A"
  ],
  ["a model that nobody has", body(user("hi", { modelId: "claude-9" })), "INVALID_MODEL_ID", "claude-9 is not"],
  [
    "a conversation id that is none",
    body(user("hi"), [], { conversationId: "a b" }),
    "INVALID_CONVERSATION_ID",
    "conversationId must be"
  ],
  [
    "more cache points than the model's maximum",
    body(
      user("c", { cachePoint: point, ...offering(tool("A"), { cachePoint: point }, tool("B"), { cachePoint: point }) }),
      [user("a", { cachePoint: point }), assistant("b", { cachePoint: point })]
    ),
    INVALID,
    "5 cache points; claude-sonnet-4.5 takes 4"
  ],
  [
    "a cache point for a model that has no cache",
    body(user("hi", { modelId: "deepseek-3.2", cachePoint: point })),
    INVALID,
    "1 cache points; deepseek-3.2 takes 0"
  ],
  [
    "a prompt longer than the model's window",
    body(user("x".repeat(800_100))),
    "CONTENT_LENGTH_EXCEEDS_THRESHOLD",
    "claude-sonnet-4.5 takes 200000"
  ],
  [
    "thinking with a signature that is not its own",
    body(user("c"), thought({ reasoningText: { text: "hm", signature: signatureOf("other") } })),
    "THINKING_SIGNATURE_INVALID",
    "signature of message 1"
  ],
  [
    "thinking with an empty signature",
    body(user("c"), thought({ reasoningText: { text: "hm", signature: "" } })),
    "THINKING_SIGNATURE_INVALID",
    "signature of message 1"
  ],

  [
    "eleven images in one message",
    body(user("hi", { images: Array.from({ length: 11 }, () => image("png")) })),
    "IMAGE_COUNT_EXCEEDED",
    "11 images"
  ],
  [
    "an image of another format than it says",
    body(user("hi", { images: [image("jpeg")] })),
    "IMAGE_MIME_MISMATCH",
    "said to be jpeg is png"
  ],
  [
    "an image that is none",
    body(user("hi", { images: [image("png", "aGVsbG8=")] })),
    "IMAGE_FORMAT_UNSUPPORTED",
    "an image is none"
  ],
  [
    "an image of more than 10 MiB",
    body(user("hi", { images: [image("png", PNG.replaceAll("=", "") + "A".repeat(14_000_000))] })),
    "IMAGE_SIZE_EXCEEDED",
    "an image is too big"
  ],
  [
    "an image for a model that takes text only",
    body(user("hi", { modelId: "deepseek-3.2", images: [image("png")] })),
    undefined,
    "takes no images"
  ],
  [
    "six documents in one message",
    body(user("hi", { documents: [1, 2, 3, 4, 5, 6].map((n) => document(`d${n}`)) })),
    "DOCUMENT_COUNT_EXCEEDED",
    "6 documents"
  ],
  [
    "two documents of one name",
    body(user("hi", { documents: [document("a"), document("a")] })),
    "DOCUMENT_DUPLICATE_NAME",
    "same name"
  ],
  [
    "a document of more than 4.5 MiB",
    body(user("hi", { documents: [document("a", { source: { bytes: "A".repeat(6_400_000) } })] })),
    "DOCUMENT_SIZE_EXCEEDED",
    "a document is too big"
  ]
]

describe("a request that AWS would refuse", () => {
  for (const [what, request, reason, detail] of refused) {
    it.effect(`is refused: ${what}`, () =>
      Effect.gen(function* () {
        const server = yield* simulator
        const answer = yield* generate(server, request)
        assert.deepStrictEqual(
          [answer.status, answer.type, member(answer.json, "reason")],
          [400, "ValidationException", reason]
        )
        assert.isString(member(answer.json, "message"))
        assert.include(answer.headers.get("x-simulator-detail") ?? "", detail)
        assert.strictEqual((yield* server.refused).length, 1)
      })
    )
  }
})

describe("a search that AWS would refuse", () => {
  for (const [what, request] of [
    ["no JSON", "{"],
    ["an unknown member", { id: "1", jsonrpc: "2.0", method: "tools/call", params: {}, model: "x" }],
    ["a method that there is not", { id: "1", jsonrpc: "2.0", method: "tools/delete", params: {} }]
  ] as const) {
    it.effect(`is refused: ${what}`, () =>
      Effect.gen(function* () {
        const server = yield* simulator
        const answer = yield* send(server, "/mcp", {
          body: typeof request === "string" ? request : JSON.stringify(request),
          headers: { authorization: "Bearer hand", "content-type": "application/json" }
        })
        assert.deepStrictEqual([answer.status, answer.type], [400, "ValidationException"])
        assert.strictEqual((yield* server.refused).length, 1)
      })
    )
  }
})

describe("a caller that AWS would refuse", () => {
  const hello = body(user("hi"))
  const denied = (what: string, request: object, headers: Record<string, string>, message: RegExp) =>
    it.effect(`is refused: ${what}`, () =>
      Effect.gen(function* () {
        const answer = yield* generate(yield* simulator, request, headers)
        assert.deepStrictEqual([answer.status, answer.type], [403, "AccessDeniedException"])
        assert.match(String(member(answer.json, "message")), message)
      })
    )
  const bearer = /^The bearer token included in the request is invalid/
  denied("without a token", hello, { authorization: "" }, bearer)
  denied("with a token nobody has", hello, { authorization: "Bearer nobody" }, bearer)
  denied("with an API key and no tokentype", hello, { authorization: "Bearer ksk_1" }, bearer)
  denied("with tokentype API_KEY and an access token", hello, { tokentype: "API_KEY" }, bearer)
  denied(
    "with another account's profile",
    { ...hello, profileArn: "arn:aws:codewhisperer:us-east-1:2:profile/TWO" },
    {},
    /not authorized/
  )

  it.effect("is answered with an API key and its tokentype", () =>
    Effect.gen(function* () {
      const answer = yield* generate(yield* simulator, hello, { authorization: "Bearer ksk_1", tokentype: "API_KEY" })
      assert.strictEqual(answer.status, 200)
    })
  )

  it.effect("is refused with a token that has expired", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      assert.strictEqual((yield* generate(server, hello)).status, 200)
      yield* server.expire("hand")
      assert.strictEqual((yield* generate(server, hello)).status, 403)
    })
  )

  it.effect("is refused with a model that is not in its own list", () =>
    Effect.gen(function* () {
      const request = body(user("hi", { modelId: "claude-opus-4.8" }))
      const server = yield* simulator
      assert.strictEqual((yield* generate(server, request)).status, 200)
      const answer = yield* generate(server, request, { authorization: "Bearer few" })
      assert.strictEqual(member(answer.json, "reason"), "INVALID_MODEL_ID")
    })
  )

  it.effect("is refused with another content type", () =>
    Effect.gen(function* () {
      const answer = yield* generate(yield* simulator, hello, { "content-type": "application/x-amz-json-1.0" })
      assert.deepStrictEqual([answer.status, answer.type], [415, "UnsupportedMediaTypeException"])
    })
  )

  for (const [what, extra] of [
    ["agentTaskType", body(user("hi"), [], { agentTaskType: "vibe" })],
    ["agentContinuationId", body(user("hi"), [], { agentContinuationId: "x" })],
    ["an empty userInputMessageContext", body(user("hi", { userInputMessageContext: {} }))]
  ] as const) {
    it.effect(`is refused from an external identity provider with ${what}`, () =>
      Effect.gen(function* () {
        const server = yield* simulator
        const external = { tokentype: "EXTERNAL_IDP" }
        assert.strictEqual((yield* generate(server, extra)).status, 200)
        assert.strictEqual((yield* generate(server, hello, external)).status, 200)
        assert.strictEqual((yield* generate(server, extra, external)).status, 400)
      })
    )
  }
})
