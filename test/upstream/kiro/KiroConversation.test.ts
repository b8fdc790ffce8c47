import { assert, describe, it } from "@effect/vitest"
import { sha256Hex } from "../../../src/message/Sha256.ts"
import { continuationId, sessionId } from "../../../src/upstream/kiro/KiroConversation.ts"

const session = "0b4445e1-f5be-49e1-87ce-62bbc28ad705"

describe("the session in metadata.user_id", () => {
  it("is read from either form that Claude Code has used", () => {
    assert.strictEqual(sessionId(`user_abc_account__session_${session}`), session)
    assert.strictEqual(sessionId(JSON.stringify({ device_id: "d", account_uuid: "", session_id: session })), session)
  })

  it("is a UUID or nothing", () => {
    for (const userId of [
      "",
      "user_abc",
      "session_",
      "session_zb4445e1-f5be-49e1-87ce-62bbc28ad705",
      "session_0b4445e1f-5be-49e1-87ce-62bbc28ad705",
      JSON.stringify({ session_id: "mine" }),
      JSON.stringify({ session_id: 7 }),
      "{"
    ]) {
      assert.isNull(sessionId(userId), userId)
    }
  })
})

describe("the continuation id", () => {
  it("follows from the conversation alone", () => {
    assert.strictEqual(continuationId(session, sha256Hex), "f8cf891d-00af-427d-334b-78858fd35425")
  })
})
