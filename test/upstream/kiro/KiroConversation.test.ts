import { assert, describe, it } from "@effect/vitest"
import { sha256Hex } from "../../../src/message/Sha256.ts"
import { continuationId } from "../../../src/upstream/kiro/KiroConversation.ts"

const session = "0b4445e1-f5be-49e1-87ce-62bbc28ad705"

describe("the continuation id", () => {
  it("follows from the conversation alone", () => {
    assert.strictEqual(continuationId(session, sha256Hex), "f8cf891d-00af-427d-334b-78858fd35425")
  })
})
