import { assert, describe, it } from "@effect/vitest"
import { validateMessagesRequest } from "../../../src/message/MessagesRequest.ts"
import { isShown, searchTool } from "../../../src/upstream/kiro/SearchTool.ts"
import { requestOf } from "../../support/KiroConversion.ts"

const messages = [{ role: "user", content: "hi" }]
const toolOf = (members: object) =>
  searchTool(requestOf({ messages, tools: [{ type: "web_search_20250305", name: "web_search", ...members }] }))

const shown: ReadonlyArray<readonly [members: object, address: string, shown: boolean]> = [
  [{}, "no address", true],
  [{ allowed_domains: [] }, "no address", true],
  [{ allowed_domains: ["example.com"] }, "https://example.com/a", true],
  [{ allowed_domains: ["Example.com"] }, "https://docs.EXAMPLE.com/", true],
  [{ allowed_domains: ["docs.example.com"] }, "https://example.com/", false],
  [{ allowed_domains: ["example.com"] }, "https://badexample.com/", false],
  [{ allowed_domains: ["example.com"] }, "https://example.com.evil.test/", false],
  [{ allowed_domains: ["example.com"] }, "no address", false],
  [{ allowed_domains: ["example.com/blog"] }, "https://example.com/blog/1", true],
  [{ allowed_domains: ["example.com/blog/"] }, "https://example.com/blog", true],
  [{ allowed_domains: ["example.com/blog"] }, "https://example.com/blogger", false],
  [{ allowed_domains: ["example.com/*/news"] }, "https://example.com/en/news/1", true],
  [{ allowed_domains: ["example.com/*/news"] }, "https://example.com/en/old", false],
  [{ blocked_domains: ["example.com"] }, "https://docs.example.com/", false],
  [{ blocked_domains: ["example.com"] }, "https://example.org/", true]
]

describe("a web search tool's domains", () => {
  for (const [members, address, expected] of shown) {
    it(`${JSON.stringify(members)}: ${address} is ${expected ? "" : "not "}shown`, () => {
      assert.strictEqual(isShown(toolOf(members), address), expected)
    })
  }

  it("are refused by name where both lists stand, or where one is no list of names", () => {
    const refused = (members: object) => {
      const tools = [{ type: "web_search_20250305", name: "web_search", ...members }]
      const read = validateMessagesRequest({ model: "m", max_tokens: 1, messages, tools })
      return read._tag === "Failure" ? read.failure.path : "taken"
    }
    assert.strictEqual(refused({ allowed_domains: ["a.test"], blocked_domains: ["b.test"] }), "tools.0.blocked_domains")
    assert.strictEqual(refused({ allowed_domains: [""] }), "tools.0.allowed_domains.0")
    assert.strictEqual(refused({ max_uses: 0 }), "tools.0.max_uses")
    assert.strictEqual(refused({ allowed_domains: ["a.test"], blocked_domains: null }), "taken")
  })
})
