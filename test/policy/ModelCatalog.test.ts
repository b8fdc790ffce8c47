import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { clientModelName, contextWindow, resolveModel, staticModels } from "../../src/policy/ModelCatalog.ts"

const idOf = (name: string) => resolveModel(name, {}).id

const names: ReadonlyArray<readonly [name: string, id: string]> = [
  ["claude-sonnet-4-5", "claude-sonnet-4.5"],
  ["claude-sonnet-4.5", "claude-sonnet-4.5"],
  ["claude-sonnet-4-5-20250929", "claude-sonnet-4.5"],
  ["claude-sonnet-4-5-20250929-thinking", "claude-sonnet-4.5"],
  ["claude-sonnet-4-5-thinking-20250929", "claude-sonnet-4.5"],
  ["claude-sonnet-4-5_thinking", "claude-sonnet-4.5"],
  ["claude-opus-4-6[1m]", "claude-opus-4.6"],
  ["claude-opus-4-6-thinking[1m]", "claude-opus-4.6"],
  ["claude-sonnet-4-20250514", "claude-sonnet-4"],
  ["claude-sonnet-4", "claude-sonnet-4"],
  ["claude-opus-4-10", "claude-opus-4.10"],
  ["claude-opus-4-100", "claude-opus-4-100"],
  ["claude-haiku-4-5-latest", "claude-haiku-4.5"],
  ["claude-3-5-sonnet-20241022", "claude-3-5-sonnet"],
  ["claude-fable-5-1", "claude-fable-5.1"],
  ["auto", "auto"],
  ["deepseek-3.2", "deepseek-3.2"],
  ["gpt-4o-20240513", "gpt-4o-20240513"],
  ["-thinking", "-thinking"],
  ["[1m]", "[1m]"]
]

const windows: ReadonlyArray<readonly [id: string, window: number]> = [
  ["claude-opus-4.5", 200_000],
  ["claude-opus-4.6", 1_000_000],
  ["claude-opus-4.10", 1_000_000],
  ["claude-sonnet-4", 200_000],
  ["claude-sonnet-4-20250514", 200_000],
  ["claude-sonnet-5", 1_000_000],
  ["claude-opus-5.5", 1_000_000],
  ["claude-3-5-sonnet", 200_000],
  ["deepseek-5.1", 200_000]
]

const Piece = Schema.Literals([
  "claude-",
  "opus",
  "sonnet",
  "haiku",
  "-",
  "4",
  "5",
  "12",
  ".",
  "-20250929",
  "-thinking",
  "_thinking",
  "[1m]",
  "gpt",
  "auto",
  "-4-5",
  "-latest"
])
const Name = Schema.Array(Piece)

describe("ModelCatalog", () => {
  for (const [name, id] of names) {
    it(`knows ${name} as ${id}`, () => {
      assert.deepInclude(resolveModel(name, {}), { id, substituted: false })
    })
  }

  it.prop("changes nothing about a resolved name", [Name], ([pieces]) => {
    const id = idOf(pieces.join(""))
    assert.strictEqual(idOf(id), id)
  })

  it.prop("never leads to another family, or to nothing", [Name], ([pieces]) => {
    const name = pieces.join("")
    const family = (of: string) => /opus|sonnet|haiku|gpt|auto/.exec(of)?.[0]
    assert.strictEqual(family(idOf(name)), family(name))
    assert.strictEqual(idOf(name) === "", name === "")
  })

  it("names a model for upstreams of the clients' language where the client did not", () => {
    const named = (name: string) => resolveModel(name, { mine: "claude-opus-4.5" }).named
    assert.deepStrictEqual(
      [
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4.5",
        "claude-opus-4-6-thinking",
        "claude-opus-5-5[1m]",
        "mine"
      ].map(named),
      [null, "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5-5", "claude-opus-4-5"]
    )
  })

  it("asks the operator's aliases first", () => {
    const aliases = { "my-sonnet": "claude-sonnet-4.5", "claude-opus-4-6": "claude-opus-4.8" }
    assert.deepStrictEqual(resolveModel("my-sonnet", aliases), {
      id: "claude-sonnet-4.5",
      substituted: true,
      named: "claude-sonnet-4-5"
    })
    assert.deepStrictEqual(resolveModel("my-sonnet-thinking", aliases), {
      id: "claude-sonnet-4.5",
      substituted: true,
      named: "claude-sonnet-4-5"
    })
    assert.deepStrictEqual(resolveModel("claude-opus-4-6", aliases), {
      id: "claude-opus-4.8",
      substituted: true,
      named: "claude-opus-4-8"
    })
    assert.strictEqual(resolveModel("claude-opus-4-7", aliases).id, "claude-opus-4.7")
  })

  it("prefers an alias of the name as written over one of the name without suffixes", () => {
    const aliases = { x: "plain", "x-thinking": "deep" }
    assert.strictEqual(resolveModel("x-thinking", aliases).id, "deep")
    assert.strictEqual(resolveModel("x", aliases).id, "plain")
  })

  it("does not call it another model where an alias only spells the name", () => {
    const aliases = { "claude-sonnet-4-5": "claude-sonnet-4.5" }
    assert.isFalse(resolveModel("claude-sonnet-4-5", aliases).substituted)
  })

  it("takes no member of every object for an alias", () => {
    for (const name of ["constructor", "__proto__", "toString"]) assert.strictEqual(idOf(name), name)
  })

  it("names a model to clients so that the name leads back", () => {
    assert.strictEqual(clientModelName("claude-sonnet-4.5"), "claude-sonnet-4-5")
    assert.strictEqual(clientModelName("deepseek-3.2"), "deepseek-3.2")
    for (const { id } of staticModels) assert.strictEqual(idOf(clientModelName(id)), id)
  })

  for (const [id, window] of windows) {
    it(`gives ${id} a window of ${window} tokens`, () => {
      assert.strictEqual(contextWindow(id), window)
    })
  }
})
