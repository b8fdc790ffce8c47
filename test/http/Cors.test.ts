import { assert, describe, it } from "@effect/vitest"
import { corsHeaders } from "../../src/http/Cors.ts"

const granted = (origin: string | undefined, allowed: ReadonlyArray<string>) =>
  corsHeaders(origin, allowed)["access-control-allow-origin"]

describe("pages in browsers", () => {
  it("may not call where no origin is configured, and nothing says so", () => {
    assert.deepStrictEqual(corsHeaders("https://app.example.com", []), {})
  })

  it("may call from a configured origin only", () => {
    const allowed = ["https://app.example.com"]
    assert.strictEqual(granted("https://app.example.com", allowed), "https://app.example.com")
    assert.isUndefined(granted("https://evil.example.com", allowed))
    assert.strictEqual(corsHeaders("https://evil.example.com", allowed)["vary"], "origin")
  })

  it("may call from anywhere where the operator says so", () => {
    assert.strictEqual(granted("https://anything.example.com", ["*"]), "*")
  })

  it("are no matter for programs, which send no origin", () => {
    assert.deepStrictEqual(corsHeaders(undefined, ["*"]), {})
  })
})
