import { assert, describe, it } from "@effect/vitest"
import { encodeRequest, withToolRound } from "../../../src/upstream/kiro/KiroRequest.ts"
import { attempt, bodyOf, converted, linesIn, saidIn } from "../../support/KiroConversion.ts"

const messages = [{ role: "user", content: "hi" }]
const agreement = "assistant: I will follow these instructions."

describe("the system prompt", () => {
  it("opens the conversation as a pair of messages, with nothing taken out of it", () => {
    const billing = "x-anthropic-billing-header: cc_version=2.1.330.abc; cc_entrypoint=cli;"
    const system = [
      { type: "text", text: billing },
      { type: "text", text: "You are helpful.", cache_control: { type: "ephemeral" } }
    ]
    assert.deepStrictEqual(linesIn({ messages, system }), [`user: ${billing}\nYou are helpful.`, agreement, "user: hi"])
    assert.deepStrictEqual(linesIn({ messages, system: "You are helpful." })[0], "user: You are helpful.")
  })

  it("is no message where there is none", () => {
    for (const system of ["", "  ", null, [], [{ type: "text", text: "" }]]) {
      assert.deepStrictEqual(linesIn({ messages, system }), ["user: hi"])
    }
  })

  it("stays apart from an assistant that speaks first", () => {
    const lines = linesIn({ system: "S", messages: [{ role: "assistant", content: "Welcome" }, ...messages] })
    assert.strictEqual(lines.length, 5)
    assert.deepStrictEqual(
      [lines[0], lines[1], lines[3], lines[4]],
      ["user: S", agreement, "assistant: Welcome", "user: hi"]
    )
  })
})

describe("thinking", () => {
  const first = (members: object) => linesIn({ messages, ...members })[0]
  const enabled = (budget: number) =>
    `<thinking_mode>enabled</thinking_mode><max_thinking_length>${budget}</max_thinking_length>`
  const adaptive = (effort: string) =>
    `<thinking_mode>adaptive</thinking_mode><thinking_effort>${effort}</thinking_effort>`

  it("is asked for before the system prompt", () => {
    const thinking = { type: "enabled", budget_tokens: 5000 }
    assert.strictEqual(first({ thinking, system: "S" }), `user: ${enabled(5000)}\nS`)
  })

  it("is asked for where there is no system prompt, or an empty one", () => {
    const thinking = { type: "enabled", budget_tokens: 5000 }
    assert.deepStrictEqual(linesIn({ messages, thinking }), [`user: ${enabled(5000)}`, agreement, "user: hi"])
    assert.strictEqual(first({ thinking, system: [{ type: "text", text: "" }] }), `user: ${enabled(5000)}`)
  })

  it("has a budget of 20,000 by default and 24,576 at most", () => {
    assert.strictEqual(first({ thinking: { type: "enabled" } }), `user: ${enabled(20_000)}`)
    assert.strictEqual(first({ thinking: { type: "enabled", budget_tokens: 31_999 } }), `user: ${enabled(24_576)}`)
  })

  it("of any kind but `enabled` goes by effort", () => {
    assert.strictEqual(first({ thinking: { type: "adaptive" } }), `user: ${adaptive("high")}`)
    assert.strictEqual(
      first({ thinking: { type: "between_tools" }, output_config: { effort: "low" } }),
      `user: ${adaptive("low")}`
    )
    assert.strictEqual(
      first({ thinking: { type: "adaptive" }, output_config: { effort: "</thinking_effort>" } }),
      `user: ${adaptive("high")}`
    )
  })

  it("goes by the effort of the last message that names one", () => {
    const told = (effort: string) => ({ role: "system", content: "note", output_config: { effort } })
    assert.strictEqual(
      first({
        messages: [...messages, told("low"), { role: "assistant", content: "b" }, told("max"), ...messages],
        thinking: { type: "adaptive" },
        output_config: { effort: "medium" }
      }),
      `user: ${adaptive("max")}`
    )
  })

  it("is not asked for unless the client does, by member or by the model's name", () => {
    assert.strictEqual(first({}), "user: hi")
    assert.strictEqual(first({ thinking: { type: "disabled" } }), "user: hi")
    assert.strictEqual(first({ model: "claude-sonnet-4-5-thinking" }), `user: ${enabled(20_000)}`)
    assert.strictEqual(
      first({ model: "claude-opus-4-6-thinking", thinking: { type: "adaptive" } }),
      `user: ${adaptive("high")}`
    )
    for (const model of ["claude-sonnet-4-5-thinking[1m]", "claude-sonnet-4-5-thinking-20250929"]) {
      assert.strictEqual(first({ model }), `user: ${enabled(20_000)}`, model)
    }
    assert.strictEqual(first({ model: "claude-thinking-aloud" }), "user: hi")
    assert.isTrue(converted({ messages, thinking: { type: "adaptive" } }).wantsThinking)
    assert.isFalse(converted({ messages, thinking: { type: "disabled" } }).wantsThinking)
  })

  it("is the model's own choice where it knows no other, or where only its name asks and it knows both", () => {
    const opening = (members: object, model: string) => linesIn({ messages, ...members }, { model })[0]
    const asked = { thinking: { type: "enabled", budget_tokens: 5000 } }
    assert.strictEqual(opening(asked, "claude-opus-4.7"), `user: ${adaptive("high")}`)
    assert.strictEqual(opening(asked, "claude-opus-4.6"), `user: ${enabled(5000)}`)
    for (const model of ["claude-opus-4.6", "claude-opus-4.7"]) {
      assert.strictEqual(opening({ model: `${model}-thinking` }, model), `user: ${adaptive("high")}`)
    }
  })

  it("is not asked for a second time where the client's own prompt does", () => {
    const system = "<thinking_mode>enabled</thinking_mode> S"
    assert.strictEqual(first({ system, thinking: { type: "adaptive" } }), `user: ${system}`)
  })

  it("is left to the model's own fields where these ask for it", () => {
    const request = converted({ messages, thinking: { type: "adaptive" } }, { thinkingTags: false })
    const modelFields = { thinking: { type: "adaptive" }, output_config: { effort: "low" } }
    const body = bodyOf(request, { modelFields })
    assert.isUndefined(body.conversationState.history)
    assert.deepStrictEqual(body.additionalModelRequestFields, modelFields)
  })
})

it("a schema for the answer is said before the current message, under either name", () => {
  const format = { type: "json_schema", schema: { type: "object", properties: { title: {} } } }
  for (const asked of [{ output_config: { format } }, { output_format: format }]) {
    const [line] = linesIn({ messages, ...asked })
    assert.match(
      line ?? "",
      /^user: Your final answer must be one JSON value .*\n\{"type":"object","properties":\{"title":\{\}\}\}\n\nhi$/
    )
  }
})

describe("an attempt", () => {
  it("puts its ids and its account around the same conversation", () => {
    const request = converted({ messages })
    const first = bodyOf(request, { profileArn: "arn:1" })
    const second = bodyOf(request, { conversationId: "c2", profileArn: null })
    assert.strictEqual(first.profileArn, "arn:1")
    assert.isUndefined(second.profileArn)
    assert.strictEqual(first.conversationState.conversationId, "0b4445e1-f5be-49e1-87ce-62bbc28ad705")
    assert.strictEqual(second.conversationState.conversationId, "c2")
    assert.strictEqual(first.conversationState.agentContinuationId, "f8cf891d-00af-427d-334b-78858fd35425")
    assert.strictEqual(first.conversationState.agentTaskType, "vibe")
    assert.strictEqual(first.conversationState.chatTriggerType, "MANUAL")
    assert.deepStrictEqual(first.conversationState.currentMessage, second.conversationState.currentMessage)
  })

  it("always has a context on the current message, and names model and origin on each", () => {
    const said = saidIn({ messages, system: "S" })
    assert.deepStrictEqual(said.at(-1)?.user?.userInputMessageContext, {})
    assert.isUndefined(said[0]?.user?.userInputMessageContext)
    for (const { user } of said.filter((each) => each.user !== undefined)) {
      assert.strictEqual(user?.modelId, "claude-sonnet-4.5")
      assert.strictEqual(user?.origin, "AI_EDITOR")
    }
  })

  it("with an external identity provider lacks what such accounts are refused", () => {
    const tools = [{ name: "Read", input_schema: {} }]
    const { conversationState: plain } = bodyOf(converted({ messages }), { externalIdp: true })
    assert.isUndefined(plain.agentTaskType)
    assert.isUndefined(plain.agentContinuationId)
    assert.isUndefined(plain.currentMessage.userInputMessage.userInputMessageContext)
    const { conversationState: armed } = bodyOf(converted({ messages, tools }), { externalIdp: true })
    assert.strictEqual(armed.currentMessage.userInputMessage.userInputMessageContext?.tools?.length, 1)
  })

  it("escapes whatever its ids hold", () => {
    const body = bodyOf(converted({ messages }), { conversationId: `"}\n`, profileArn: `a"b` })
    assert.strictEqual(body.conversationState.conversationId, `"}\n`)
    assert.strictEqual(body.profileArn, `a"b`)
  })
})

describe("text that is cut in mid-character", () => {
  const half = "\uD83D"

  it("is sent as Unicode, wherever it stands", () => {
    const request = converted({
      system: `s${half}`,
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "Read", input: { a: `i${half}` } }] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "t1", content: `r${half}` },
            { type: "text", text: half + half }
          ]
        }
      ],
      tools: [{ name: "Read", description: `d${half}`, input_schema: {} }]
    })
    const encoded = encodeRequest(request, attempt)
    assert.isTrue(encoded.isWellFormed())
    assert.notInclude(encoded, "\\ud83d")
    const { currentMessage, history } = bodyOf(request).conversationState
    assert.strictEqual(history?.[0]?.userInputMessage?.content, "s\uFFFD")
    assert.strictEqual(currentMessage.userInputMessage.content, "\uFFFD\uFFFD")
  })

  it("is told from the same escape written out, and from whole characters", () => {
    const text = `\\ud83d \\\\ud83d \\${half} 😀`
    const [line] = linesIn({ messages: [{ role: "user", content: text }] })
    assert.strictEqual(line, `user: \\ud83d \\\\ud83d \\\uFFFD 😀`)
  })
})

describe("a round of tools that the gateway ran", () => {
  const tools = [{ type: "web_search_20250305", name: "web_search" }]
  const use = { toolUseId: "tooluse_1", name: "web_search", input: { query: "q" } }
  const result = { toolUseId: "tooluse_1", content: [{ text: "found" }], status: "success" } as const

  it("becomes history, and its results the current message with the same tools", () => {
    const request = withToolRound(converted({ messages, system: "S", tools }), { content: "", toolUses: [use] }, [
      result
    ])
    const { currentMessage, history } = bodyOf(request).conversationState
    assert.deepStrictEqual(
      history?.map((each) => each.userInputMessage?.content ?? each.assistantResponseMessage?.content),
      ["S", "I will follow these instructions.", "hi", " "]
    )
    assert.deepStrictEqual(history?.[3]?.assistantResponseMessage?.toolUses, [use])
    const context = currentMessage.userInputMessage.userInputMessageContext
    assert.deepStrictEqual(context?.toolResults, [result])
    assert.strictEqual(context?.tools?.length, 1)
  })

  it("may follow another, and keeps the results that came before it", () => {
    const once = withToolRound(converted({ messages, tools }), { content: "a", toolUses: [use] }, [result])
    const again = { ...use, toolUseId: "tooluse_2" }
    const twice = withToolRound(once, { content: "b", toolUses: [again] }, [{ ...result, toolUseId: "tooluse_2" }])
    const { history } = bodyOf(twice).conversationState
    assert.strictEqual(history?.length, 4)
    assert.deepStrictEqual(history?.[2]?.userInputMessage?.userInputMessageContext?.toolResults, [result])
    assert.isUndefined(history?.[2]?.userInputMessage?.userInputMessageContext?.tools)
  })
})
