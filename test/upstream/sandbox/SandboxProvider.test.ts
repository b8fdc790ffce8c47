import { assert, describe, it } from "@effect/vitest"
import type { Settlement } from "../../../src/upstream/UpstreamProvider.ts"
import { Arbitrary, Effect, Exit, Fiber, Redacted, Schema } from "effect"
import type { ContentEvent } from "../../../src/message/MessageEvent.ts"
import * as SandboxProvider from "../../../src/upstream/sandbox/SandboxProvider.ts"
import { problemsOf } from "../../codec/BlockChecker.ts"
import { bash, callOf, callsOf, lease, read, say, send, textOf, weather } from "./AskSandbox.ts"

const user = (content: unknown) => ({ role: "user", content })
const assistant = (content: unknown) => ({ role: "assistant", content })
const firstSentence = "This is Weir's sandbox: no model has read this."
const long = "Tell me a story. ".repeat(300)

const usageOf = ({ calls }: Settlement) => calls[0]?.usage ?? {}

describe("the sandbox's answer", () => {
  it.effect("says first that it is a sandbox, and quotes what was asked", () =>
    Effect.gen(function* () {
      const { content, settlement } = yield* say("How are you?", { system: "Be kind." })
      assert.isTrue(textOf(content).startsWith(firstSentence))
      assert.include(textOf(content), "How are you?")
      assert.notInclude(textOf(content), "Be kind.")
      assert.strictEqual(settlement.stopReason, "end_turn")
    })
  )

  it.effect("is the same for the same request", () =>
    Effect.gen(function* () {
      const members = { messages: [user("Run `uname -a`")], tools: [bash], thinking: { type: "adaptive" } }
      const first = yield* send(members)
      assert.deepStrictEqual(yield* send(members), first)
    })
  )

  it.effect("quotes no more than a part of a long text, and no half of a character", () =>
    Effect.gen(function* () {
      const { content } = yield* say(`a${"😀".repeat(50_000)}`, { max_tokens: 100_000 })
      assert.isBelow(textOf(content).length, 4_200)
      assert.isTrue(textOf(content).isWellFormed())
    })
  )

  it.effect("leaves out what programs add in tags, and the words that ask to go on after a prefill", () =>
    Effect.gen(function* () {
      const reminded = yield* say("<system-reminder>Mind the time</system-reminder>\nWhat now?")
      assert.notInclude(textOf(reminded.content), "Mind the time")
      const prefilled = yield* send({ messages: [user("Give JSON"), assistant("{")] })
      assert.match(textOf(prefilled.content), /You said:\n\nGive JSON$/)
    })
  )

  it.effect("has the upstream's own figures, and they add up", () =>
    Effect.gen(function* () {
      const usage = usageOf((yield* say("Hello")).settlement)
      const { outputTokens = 0, totalTokens, uncachedInputTokens = 0 } = usage
      assert.isAbove(uncachedInputTokens, 0)
      assert.isAbove(outputTokens, 0)
      assert.strictEqual(totalTokens, uncachedInputTokens + outputTokens)
      assert.isAbove(usage.contextUsagePercentage ?? 0, 0)
      assert.strictEqual(usage.credits, 0)
      const longer = yield* say(long)
      assert.isAbove(usageOf(longer.settlement).uncachedInputTokens ?? 0, uncachedInputTokens + 1_000)
    })
  )

  it.effect("takes documents and pictures without reading them", () =>
    Effect.gen(function* () {
      const source = { type: "base64", media_type: "application/pdf", data: "AAAA" }
      const { settlement } = yield* send({ messages: [user([{ type: "document", source }])] })
      assert.strictEqual(settlement.stopReason, "end_turn")
    })
  )

  it.effect("is followed by no failure however long the conversation is", () =>
    Effect.gen(function* () {
      const { settlement } = yield* say("word ".repeat(1_000_000))
      assert.strictEqual(settlement.stopReason, "end_turn")
    })
  )
})

describe("thinking", () => {
  it.effect("is shown only where it is wanted, and never signed", () =>
    Effect.gen(function* () {
      const without = yield* say("Why?")
      assert.isFalse(without.content.some(({ type }) => type === "thinking"))
      const { content } = yield* say("Why?", { thinking: { type: "enabled", budget_tokens: 1024 } })
      const [thought] = content
      assert.isTrue(thought?.type === "thinking" && thought.thinking !== "" && thought.signature === "")
      assert.isTrue(textOf(content).startsWith(firstSentence))
    })
  )
})

describe("a tool round trip", () => {
  it.effect("calls the tool for a command in backticks, once, and then tells what it returned", () =>
    Effect.gen(function* () {
      const tools = [read, bash]
      const asked = yield* say("Please run `echo hi` for me.", { tools })
      assert.strictEqual(asked.settlement.stopReason, "tool_use")
      const call = asked.content.find((block) => block.type === "tool_use")
      assert.deepInclude(call, {
        name: "Bash",
        input: { command: "echo hi", description: "What the user asked the sandbox for" }
      })
      const result = { type: "tool_result", tool_use_id: call?.id, content: "hi from the shell" }
      const messages = [user("Please run `echo hi` for me."), assistant(asked.content), user([result])]
      const told = yield* send({ messages, tools })
      assert.strictEqual(told.settlement.stopReason, "end_turn")
      assert.deepStrictEqual(callsOf(told.content), [])
      assert.include(textOf(told.content), "The tool returned:\n\nhi from the shell")
      const failed = yield* send({
        messages: [...messages.slice(0, 2), user([{ ...result, is_error: true }])],
        tools
      })
      assert.include(textOf(failed.content), "The tool failed:\n\nhi from the shell")
    })
  )

  it.effect("gives the same call at another place of the conversation another id", () =>
    Effect.gen(function* () {
      const idOf = (content: ReadonlyArray<object>) =>
        content.flatMap((block) => ("id" in block ? [block.id] : [])).at(-1)
      const first = yield* say("run `ls`", { tools: [bash] })
      const messages = [
        user("run `ls`"),
        assistant(first.content),
        user([{ type: "tool_result", tool_use_id: idOf(first.content), content: "a" }]),
        assistant("It returned a."),
        user("run `ls`")
      ]
      const second = yield* send({ messages, tools: [bash] })
      assert.deepStrictEqual(callsOf(second.content), callsOf(first.content))
      assert.notStrictEqual(idOf(second.content), idOf(first.content))
    })
  )

  const asked: ReadonlyArray<readonly [text: string, tools: ReadonlyArray<object>, call: readonly [string, unknown]]> =
    [
      ["Read /etc/hostname", [bash, read], ["Read", { file_path: "/etc/hostname" }]],
      ["What is in `/etc/hostname`?", [bash, read], ["Read", { file_path: "/etc/hostname" }]],
      [
        "Show /etc/hostname",
        [bash],
        ["Bash", { command: "cat /etc/hostname", description: "What the user asked the sandbox for" }]
      ],
      [
        "Execute:\n```sh\nls -l\npwd\n```",
        [{ type: "bash_20250124", name: "bash" }],
        ["bash", { command: "ls -l\npwd" }]
      ],
      [
        "Show /etc/hostname",
        [{ type: "text_editor_20250728", name: "str_replace_based_edit_tool" }],
        ["str_replace_based_edit_tool", { command: "view", path: "/etc/hostname" }]
      ]
    ]
  for (const [text, tools, call] of asked) {
    it.effect(`${JSON.stringify(text)} calls ${call[0]}`, () =>
      Effect.gen(function* () {
        const { content } = yield* say(text, { tools })
        assert.deepStrictEqual(callsOf(content), [call])
      })
    )
  }

  const told = [
    "Why does `rm -rf build` fail?",
    "Do not run `rm -rf build`.",
    "When I run `rm -rf build` it fails.",
    "Route /v1/messages to the gateway",
    "Hello"
  ]
  for (const text of told) {
    it.effect(`${JSON.stringify(text)} calls nothing`, () =>
      Effect.gen(function* () {
        const { content } = yield* say(text, { tools: [bash, read] })
        assert.deepStrictEqual(callsOf(content), [])
      })
    )
  }

  it.effect("calls nothing that is not offered, or that tool_choice forbids", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(callsOf((yield* say("Run `ls`", { tools: [weather] })).content), [])
      const used = [
        user("Run `ls`"),
        assistant([{ type: "tool_use", id: "t1", name: "Bash", input: {} }]),
        user([{ type: "tool_result", tool_use_id: "t1", content: "a" }]),
        assistant("It returned a."),
        user("Run `ls`")
      ]
      assert.deepStrictEqual(callsOf((yield* send({ messages: used, tools: [weather] })).content), [])
      const none = yield* send({ messages: used, tools: [bash], tool_choice: { type: "none" } })
      assert.deepStrictEqual(callsOf(none.content), [])
    })
  )
})

describe("tool_choice", () => {
  const forced = [
    { type: "any" },
    { type: "any", disable_parallel_tool_use: true },
    { type: "tool", name: "get_weather" },
    { type: "tool", name: "get_weather", disable_parallel_tool_use: true }
  ]
  for (const tool_choice of forced) {
    it.effect(`${JSON.stringify(tool_choice)} is obeyed with an input that fits the schema`, () =>
      Effect.gen(function* () {
        const { content, settlement } = yield* say("Hello", { tools: [weather], tool_choice })
        assert.deepStrictEqual(callsOf(content), [["get_weather", { city: "Weir sandbox", unit: "celsius", days: 1 }]])
        assert.strictEqual(settlement.stopReason, "tool_use")
        assert.strictEqual(content.length, 1)
      })
    )
  }

  it.effect("any prefers the tool that was asked for, and never makes a user's words a command", () =>
    Effect.gen(function* () {
      const tools = [weather, bash]
      const tool_choice = { type: "any" }
      const [fitting] = callsOf((yield* say("Run `ls`", { tools, tool_choice })).content)
      assert.strictEqual(fitting?.[0], "Bash")
      const [other] = callsOf((yield* say("; rm -rf ~", { tools: [bash], tool_choice })).content)
      assert.deepInclude(other?.[1], { command: `echo "Weir sandbox"` })
    })
  )

  it.effect("finds the client's own name of a tool whose name the upstream does not take", () =>
    Effect.gen(function* () {
      const name = "mcp__a.tool with a name that is much longer than the upstream's sixty-three characters"
      const tools = [{ ...weather, name }]
      const { content } = yield* say("Hello", { tools, tool_choice: { type: "tool", name } })
      assert.strictEqual(callsOf(content)[0]?.[0], name)
    })
  )
})

describe("output_config.format", () => {
  const Title = Schema.fromJsonString(Schema.Struct({ title: Schema.String }))
  const schema = {
    type: "object",
    properties: { title: { type: "string" } },
    required: ["title"],
    additionalProperties: false
  }

  it.effect("is obeyed: a title that says where it is from", () =>
    Effect.gen(function* () {
      const output_config = { format: { type: "json_schema", schema } }
      const { content } = yield* say("Fix the login button\nplease", { output_config })
      const { title } = yield* Schema.decodeEffect(Title)(textOf(content))
      assert.strictEqual(title, "Weir sandbox: Fix the login button")
    })
  )

  it.effect("is obeyed after a tool's result", () =>
    Effect.gen(function* () {
      const messages = [
        user("Run `ls`"),
        assistant([{ type: "tool_use", id: "t1", name: "Bash", input: {} }]),
        user([{ type: "tool_result", tool_use_id: "t1", content: "a" }])
      ]
      const output_config = { format: { type: "json_schema", schema } }
      const { content } = yield* send({ messages, tools: [bash], output_config })
      assert.match((yield* Schema.decodeEffect(Title)(textOf(content))).title, /^Weir sandbox: /)
    })
  )
})

describe("limits of the request", () => {
  it.effect("a stop sequence ends the answer where it stands", () =>
    Effect.gen(function* () {
      const { content, settlement } = yield* say("one END two", { stop_sequences: ["END"] })
      assert.strictEqual(settlement.stopReason, "stop_sequence")
      assert.strictEqual(settlement.stopSequence, "END")
      assert.isTrue(textOf(content).endsWith("one "))
    })
  )

  it.effect("max_tokens ends a long answer", () =>
    Effect.gen(function* () {
      const { content, settlement } = yield* say(long, { max_tokens: 8 })
      assert.strictEqual(settlement.stopReason, "max_tokens")
      assert.isBelow(textOf(content).length, 400)
    })
  )
})

describe("web search", () => {
  it.effect("is run where it is asked for, shown as blocks, and told of", () =>
    Effect.gen(function* () {
      const tools = [{ type: "web_search_20250305", name: "web_search" }, bash]
      const { content, events, settlement } = yield* say("Search the web for weirs", { tools })
      assert.deepStrictEqual(problemsOf(events), [])
      const types = content.map(({ type }) => type)
      assert.deepStrictEqual(types, ["text", "server_tool_use", "web_search_tool_result", "text"])
      assert.strictEqual(settlement.webSearches, 1)
      assert.strictEqual(settlement.stopReason, "end_turn")
      assert.match(textOf(content), /The tool returned:.*nothing was searched.*asked to search for: weirs/s)
    })
  )

  it.effect("answers a request that is nothing but a search", () =>
    Effect.gen(function* () {
      const tools = [{ type: "web_search_20250305", name: "web_search" }]
      const { content, settlement } = yield* say("Perform a web search for the query: weirs", { tools })
      assert.strictEqual(settlement.webSearches, 1)
      assert.include(textOf(content), "Weir sandbox: nothing was searched")
    })
  )
})

describe("the manners of a socket", () => {
  it.effect("hold the answer back while the sink is full", () =>
    Effect.gen(function* () {
      const sandbox = yield* SandboxProvider.make
      const writes: Array<ReadonlyArray<ContentEvent>> = []
      let resume = (): void => {}
      const sink = {
        open: (again: () => void) => {
          resume = again
        },
        begun: () => {},
        pass: () => true,
        write: (events: ReadonlyArray<ContentEvent>) => {
          writes.push(events)
          return false
        }
      }
      const turns = Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow)
      const fiber = yield* Effect.forkChild(sandbox.send(callOf({ messages: [user(long)] }), lease, sink))
      yield* turns
      assert.strictEqual(writes.length, 1)
      resume()
      yield* turns
      assert.strictEqual(writes.length, 2)
      yield* Fiber.interrupt(fiber)
      resume()
      yield* turns
      assert.strictEqual(writes.length, 2)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
    })
  )

  it.effect("go on where the sink has room again before it has said that it is full", () =>
    Effect.gen(function* () {
      let resume = (): void => {}
      const { settlement } = yield* send(
        { messages: [user(long)] },
        () => {
          resume()
          return false
        },
        (again) => {
          resume = again
        }
      )
      assert.strictEqual(settlement.stopReason, "end_turn")
    })
  )

  it.effect("let others run between chunks, and end when interrupted", () =>
    Effect.gen(function* () {
      const writes: Array<ReadonlyArray<ContentEvent>> = []
      const write = (events: ReadonlyArray<ContentEvent>) => writes.push(events) > 0
      const fiber = yield* Effect.forkChild(send({ messages: [user(long)] }, write))
      while (writes.length < 2) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const seen = writes.length
      yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow)
      assert.strictEqual(writes.length, seen)
      assert.isBelow(seen, 5)
    })
  )
})

describe("the sandbox's account", () => {
  it.effect("lists models, has no profile, and a plan that nothing is charged to", () =>
    Effect.gen(function* () {
      const sandbox = yield* SandboxProvider.make
      const models = yield* sandbox.listModels(lease)
      assert.include(
        models.map(({ id }) => id),
        "claude-sonnet-4.5"
      )
      assert.isNull(yield* sandbox.discoverProfile(lease))
      const { remaining, subscription, used } = yield* sandbox.balance(lease)
      assert.deepStrictEqual([subscription, used, remaining], ["Weir sandbox", 0, 1_000])
    })
  )

  it("has a credential whose key is none", () => {
    const { apiKey, id, upstream } = SandboxProvider.sandboxCredential
    assert.deepStrictEqual([`${id}`, `${upstream}`], ["sandbox", "sandbox"])
    assert.strictEqual(Redacted.value(apiKey), "sandbox-no-secret")
    assert.notInclude(JSON.stringify(SandboxProvider.sandboxCredential), "sandbox-no-secret")
  })
})

describe("any request", () => {
  const Words = Schema.Union([
    Schema.Literals([
      "Run `ls`",
      "Read /etc/hosts",
      "search for x",
      "<thinking>",
      "</system-reminder>",
      "\ud800",
      "```"
    ]),
    Schema.String
  ])
  const Json = Schema.Union([
    Schema.Literals(["string", "integer", "array", "object", "boolean", "null"]),
    Schema.Finite,
    Schema.Null
  ])
  const request = Arbitrary.schema(
    Schema.Struct({
      texts: Schema.NonEmptyArray(Words),
      types: Schema.Array(Json),
      choice: Schema.Literals(["auto", "any", "tool", "none"]),
      stops: Schema.Array(Schema.NonEmptyString),
      limit: Schema.Literals([1, 20, 100_000]),
      thinking: Schema.Literals(["disabled", "enabled", "adaptive"]),
      format: Schema.Boolean,
      search: Schema.Boolean
    })
  )

  it.effect.prop("gets well-formed blocks and is over", [request], ([made]) =>
    Effect.gen(function* () {
      const { choice, format, limit, search, stops, texts, thinking, types } = made
      const properties = Object.fromEntries(types.map((type, index) => [`m${index}`, { type, minItems: 2 }]))
      const input_schema = { type: "object", properties, required: Object.keys(properties) }
      const { events, settlement } = yield* send({
        messages: texts.map((text, index) => (index % 2 === 0 ? user(text) : assistant(text))),
        tools: [
          { name: "custom", input_schema },
          bash,
          read,
          ...(search ? [{ type: "web_search_20250305", name: "web_search" }] : [])
        ],
        tool_choice: choice === "tool" ? { type: choice, name: "custom" } : { type: choice },
        stop_sequences: stops,
        max_tokens: limit,
        thinking: { type: thinking },
        ...(format ? { output_config: { format: { type: "json_schema", schema: input_schema } } } : {})
      })
      assert.deepStrictEqual(problemsOf(events), [])
      // A stop sequence may be what the answer begins with.
      if (settlement.stopReason !== "stop_sequence") assert.isAbove(events.length, 0)
      if (settlement.stopReason === "end_turn" || settlement.stopReason === "tool_use") {
        assert.isAbove(usageOf(settlement).outputTokens ?? 0, 0)
      }
    })
  )
})
