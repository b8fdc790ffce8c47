import { assert, describe, it } from "@effect/vitest"
import { conversationOf } from "../../src/exchange/Conversation.ts"

const one = "0b3f1a52-7c1e-4d70-9a55-0d5b1c3e7f01"
const two = "5e1d4c3b-2a19-4087-b6c5-d4e3f2a1b0c9"
const cases: ReadonlyArray<
  readonly [name: string, session: string | null, userId: string | null, found: string | null]
> = [
  ["the header", one, null, one],
  ["the header before the metadata", one, `user_x_account_y_session_${two}`, one],
  ["the metadata's suffix", null, `user_x_account_y_session_${two}`, two],
  ["the metadata's JSON", null, JSON.stringify({ device_id: "d", account_uuid: one, session_id: two }), two],
  ["the metadata where the header is no UUID", "my-session", `session_${two}`, two],
  ["a UUID in capitals", one.toUpperCase(), null, one],
  ["nothing in a JSON session that is no UUID", null, JSON.stringify({ session_id: "x".repeat(36) }), null],
  ["nothing in an account alone", null, `user_x_account_${one}`, null],
  ["nothing where nothing is said", null, null, null]
]

const published = "0b4445e1-f5be-49e1-87ce-62bbc28ad705"

describe("Conversation", () => {
  it("reads either form that Claude Code has used", () => {
    const json = JSON.stringify({ device_id: "d", account_uuid: "", session_id: published })
    for (const user_id of [`user_abc_account__session_${published}`, json]) {
      assert.strictEqual(conversationOf(null, { metadata: { user_id } }), published)
    }
  })

  it("is a UUID or nothing", () => {
    for (const user_id of [
      "",
      "user_abc",
      "session_",
      "session_zb4445e1-f5be-49e1-87ce-62bbc28ad705",
      "session_0b4445e1f-5be-49e1-87ce-62bbc28ad705",
      JSON.stringify({ session_id: "mine" }),
      JSON.stringify({ session_id: 7 }),
      "{"
    ]) {
      assert.isNull(conversationOf(null, { metadata: { user_id } }), user_id)
    }
  })

  for (const [name, session, userId, found] of cases) {
    it(`finds ${name}`, () => {
      const metadata = userId === null ? {} : { metadata: { user_id: userId } }
      assert.strictEqual(conversationOf(session, metadata), found)
    })
  }

  it("takes a member that is null for one that is not there", () => {
    assert.isNull(conversationOf(null, { metadata: null }))
    assert.isNull(conversationOf(null, { metadata: { user_id: null } }))
  })
})
