import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { PinStore } from "../../src/exchange/PinStore.ts"
import { keep, namedIn, ownerOf } from "../../src/exchange/Pins.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import type { MessagesRequest } from "../../src/message/MessagesRequest.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { request } from "./Fakes.ts"

const user = (content: MessagesRequest["messages"][number]["content"]) => ({ role: "user", content }) as const
const file = (file_id: string) => ({ type: "document", source: { type: "file", file_id } }) as const

const failing = new StorageError({ operation: "test", cause: "full" })

describe("Pins", () => {
  it("find every place where a request names what lives at an account, each once", () => {
    const upload = { type: "container_upload", file_id: "file_2" }
    const inner = { type: "image", source: { type: "file", file_id: "file_4" } } as const
    const named = namedIn({
      container: { id: "container_1" },
      messages: [
        user([file("file_1"), upload, file("file_1")]),
        user([{ type: "tool_result", tool_use_id: "t", content: [file("file_3")] }]),
        user([{ type: "document", source: { type: "content", content: [inner] } }])
      ]
    })
    const others = ["container_1", "file_1", "file_2", "file_3", "file_4"]
    assert.deepStrictEqual(named, { thread: undefined, others })
  })

  it("find nothing where nothing is named, whatever else looks like it", () => {
    const messages = [
      user("file_1"),
      user([
        { type: "document", source: { type: "url", url: "https://file.test" } },
        { type: "text", text: "container_upload" },
        { type: "tool_use", id: "t", name: "n", input: { source: { type: "file", file_id: "file_1" } } }
      ])
    ] as const
    assert.deepStrictEqual(namedIn({ messages, container: null }), { thread: undefined, others: [] })
    assert.deepStrictEqual(namedIn({ messages, thread: { type: "create" } }).thread, undefined)
  })

  it("look up at most a hundred ids for one request", () => {
    const content = Array.from({ length: 1_000 }, (_, n) => file(`file_${n}`))
    assert.strictEqual(namedIn({ messages: [user(content)] }).others.length, 100)
  })

  it("take a continued thread that names no message for one that is not known", () => {
    const { messages } = request
    assert.isNull(namedIn({ messages, thread: { type: "continue" } }).thread)
    assert.strictEqual(
      namedIn({ messages, thread: { type: "continue", previous_message_id: "msg_1" } }).thread,
      "msg_1"
    )
  })

  it.effect("ask no account where storage cannot tell which is right", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        PinStore.use((store) => ownerOf(store, { ...request, container: "container_1" }))
      )
      assert.strictEqual(error.reason._tag, "Unrecorded")
    }).pipe(Effect.provide([Layer.mock(PinStore, { find: () => Effect.fail(failing) }), Logger.layer([])]))
  )

  it.effect("are kept where they are wanted, and fail nothing", () =>
    Effect.gen(function* () {
      const saved: Array<string> = []
      const store = PinStore.of({
        find: () => Effect.succeed(null),
        remove: () => Effect.void,
        save: (made) =>
          made.length === 1 ? Effect.fail(failing) : Effect.sync(() => void saved.push(...made.map(({ id }) => id)))
      })
      const made = [
        { kind: "thread", id: "msg_1" },
        { kind: "file", id: "file_1" },
        { kind: "file", id: "file_2" }
      ] as const
      yield* keep(store, made, CredentialId.make("a"), (kind) => kind !== "thread")
      assert.deepStrictEqual(saved, ["file_1", "file_2"])
      yield* keep(store, made, CredentialId.make("a"), (kind) => kind === "thread")
      assert.deepStrictEqual(saved, ["file_1", "file_2"])
    }).pipe(Effect.provide(Logger.layer([])))
  )
})
