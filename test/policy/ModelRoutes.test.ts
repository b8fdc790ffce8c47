import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { UpstreamId } from "../../src/message/Ids.ts"
import { everyUpstream, fits, type ModelRoutes, routeOf } from "../../src/policy/ModelRoutes.ts"

const id = (name: string) => UpstreamId.make(name)
/** Each pattern leads to an upstream of its own name. */
const routes = (...patterns: ReadonlyArray<string>): ModelRoutes =>
  Object.fromEntries(patterns.map((pattern) => [pattern, [id(pattern)]]))

const Letters = Schema.String.check(Schema.isPattern(/^[ab.]{0,8}$/))
const Pattern = Schema.String.check(Schema.isPattern(/^[ab.*]{0,6}$/))

describe("ModelRoutes", () => {
  it("lead nowhere where no pattern fits", () => {
    assert.isNull(routeOf(["claude-opus-4-5"], {}))
    assert.isNull(routeOf(["claude-opus-4-5"], routes("gpt-*", "claude-opus", "Claude-*")))
  })

  it("take the pattern that says most, wherever it stands", () => {
    const all = routes("*", "claude-*", "claude-*-4-5", "claude-opus-4-5", "*opus*")
    assert.deepStrictEqual(routeOf(["claude-opus-4-5"], all), [id("claude-opus-4-5")])
    assert.deepStrictEqual(routeOf(["claude-sonnet-4-5"], all), [id("claude-*-4-5")])
    assert.deepStrictEqual(routeOf(["claude-haiku-3"], all), [id("claude-*")])
    assert.deepStrictEqual(routeOf(["other"], all), [id("*")])
  })

  it("take the one written first of those that say as much", () => {
    assert.deepStrictEqual(routeOf(["claude-opus"], routes("claude*", "*claude", "cl*aude*")), [id("claude*")])
    assert.deepStrictEqual(routeOf(["claude-opus"], routes("*-opus", "claud*")), [id("*-opus")])
  })

  it("are compared with the client's name and with the upstream's", () => {
    const names = ["my-sonnet", "claude-sonnet-4.5"]
    assert.deepStrictEqual(routeOf(names, routes("my-*")), [id("my-*")])
    assert.deepStrictEqual(routeOf(names, routes("my-*", "claude-sonnet-4.5")), [id("claude-sonnet-4.5")])
  })

  it("read a dot as a dot and need both ends of a pattern apart", () => {
    assert.isFalse(fits("claude-sonnet-4.5", "claude-sonnet-4-5"))
    assert.isFalse(fits("aa*aa", "aaa"))
    assert.isFalse(fits("a*b*c", "acb"))
    assert.isTrue(fits("a*b*c", "abbc"))
  })

  it.prop("fit as the pattern's regular expression does", [Pattern, Letters], ([pattern, name]) => {
    const expression = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^]*")}$`)
    assert.strictEqual(fits(pattern, name), expression.test(name))
  })

  it("of many stars take no time", () => {
    assert.isFalse(fits(`${"*a".repeat(120)}*b`, "a".repeat(100_000)))
  })

  it("by default name every upstream in the order of the configuration, and others after it", () => {
    const ids = ["kiro", "anthropic"].map(id)
    assert.deepStrictEqual(everyUpstream(ids, [id("sandbox"), id("anthropic")]), [...ids, id("sandbox")])
  })
})
