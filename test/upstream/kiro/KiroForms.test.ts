import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ConversationId } from "../../../src/message/Ids.ts"
import { answer, bodies, callOf, deltas, makeRig, refusal } from "./KiroRig.ts"

const document = (text: string) => ({
  type: "document",
  title: "notes",
  source: { type: "base64", media_type: "text/plain", data: Buffer.from(text).toString("base64") }
})
const asking = (content: unknown) => callOf({ messages: [{ role: "user", content }] })
const withDocument = asking([document("what the file says"), { type: "text", text: "sum up" }])
const conversation = ConversationId.make("0b4445e1-f5be-49e1-87ce-62bbc28ad705")

const sent = (rig: Effect.Success<ReturnType<typeof makeRig>>) =>
  Effect.map(bodies(rig), (all) => all.map((body) => JSON.stringify(body)))

describe("a model that refuses documents", () => {
  it.live("gets their text, at once and from then on", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ times: 1, fail: "document_refused" }, { steps: [{ text: "ok" }] }] })
      const { events } = yield* answer(rig, withDocument)
      assert.strictEqual(deltas(events, "text_delta"), "ok")
      yield* answer(rig, withDocument)
      const [native, text, again] = yield* sent(rig)
      assert.include(native, '"documents"')
      for (const body of [text, again]) {
        assert.notInclude(body, '"documents"')
        assert.include(body, "what the file says")
      }
    })
  )

  it.live("is remembered by itself: another model still gets documents", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ times: 1, fail: "document_refused" }, { steps: [{ text: "ok" }] }] })
      yield* answer(rig, withDocument)
      yield* answer(rig, { ...withDocument, model: "claude-opus-4.5" })
      assert.include((yield* sent(rig))[2], '"documents"')
    })
  )

  it.live("is believed once only", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ fail: "document_refused" }] })
      assert.strictEqual((yield* refusal(rig, withDocument)).reason.kind, "document_refused")
      assert.lengthOf(yield* sent(rig), 2)
    })
  )

  it.live("leaves a document that nobody here reads to the client to mend", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ fail: "document_refused" }] })
      const pdf = { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" } }
      const { reason } = yield* refusal(rig, asking([pdf]))
      assert.strictEqual(reason.kind, "invalid_request")
      assert.include(reason.message, "messages.0.content.0")
    })
  )
})

describe("a refused signature", () => {
  const messages = [
    { role: "user", content: "a" },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "c2ln" },
        { type: "text", text: "b" }
      ]
    },
    { role: "user", content: "c" }
  ]

  it.live("that the upstream never gave makes thinking go as text, once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ steps: [{ text: "ok" }] }] })
      yield* answer(rig, callOf({ messages }))
      const [signed, text] = yield* sent(rig)
      assert.include(signed, '"reasoningContent"')
      assert.notInclude(text, '"reasoningContent"')
    })
  )

  it.live("that stays refused fails", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ fail: "invalid_signature" }] })
      assert.strictEqual((yield* refusal(rig, callOf({ messages }))).reason.kind, "invalid_signature")
      assert.lengthOf(yield* sent(rig), 2)
    })
  )
})

describe("a refused conversation", () => {
  const idOf = (body: string | undefined) => /"conversationId":"([^"]+)"/.exec(body ?? "")?.[1]

  it.live("goes again under a fresh id, once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ times: 1, fail: "invalid_conversation" }, { steps: [{ text: "ok" }] }] })
      yield* answer(rig, callOf({}, { conversation }))
      const [first, second] = yield* sent(rig)
      assert.strictEqual(idOf(first), conversation)
      assert.notStrictEqual(idOf(second), conversation)
      assert.match(idOf(second) ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    })
  )

  it.live("that stays refused fails", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ fail: "conversation_limit" }] })
      assert.strictEqual((yield* refusal(rig, callOf({}, { conversation }))).reason.kind, "invalid_conversation")
      assert.lengthOf(yield* sent(rig), 2)
    })
  )

  it.live("is not begun again once something was said", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ steps: [{ text: "a" }, { fail: "invalid_conversation" }] }] })
      const { events, reason } = yield* refusal(rig, callOf({}, { conversation }))
      assert.strictEqual(reason.kind, "invalid_conversation")
      assert.strictEqual(deltas(events, "text_delta"), "a")
      assert.lengthOf(yield* sent(rig), 1)
    })
  )
})

describe("several refusals of one request", () => {
  it.live("are each met once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        rules: [
          { times: 1, fail: "document_refused" },
          { times: 1, fail: "invalid_conversation" },
          { steps: [{ text: "ok" }] }
        ]
      })
      yield* answer(rig, { ...withDocument, conversation })
      const all = yield* sent(rig)
      assert.lengthOf(all, 3)
      assert.include(all[2], "what the file says")
    })
  )
})
