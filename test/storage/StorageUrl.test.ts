import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as StorageUrl from "../../src/storage/StorageUrl.ts"

const pathOf = (url: string) => Result.getOrUndefined(StorageUrl.parse(url))?.path
const whyNot = (url: string) => {
  const parsed = StorageUrl.parse(url)
  return Result.isFailure(parsed) ? parsed.failure.message : undefined
}

describe("StorageUrl", () => {
  it("reads relative and absolute paths", () => {
    assert.strictEqual(pathOf("sqlite:./data/weir.db"), "./data/weir.db")
    assert.strictEqual(pathOf("sqlite:weir.db"), "weir.db")
    assert.strictEqual(pathOf("sqlite:/var/lib/weir.db"), "/var/lib/weir.db")
    assert.strictEqual(pathOf("sqlite:///var/lib/weir.db"), "/var/lib/weir.db")
    assert.strictEqual(pathOf("SQLite:a b.db"), "a b.db")
  })

  it("names what it accepts when the scheme is another, and no more of the address than that", () => {
    const why = whyNot("postgres://user:hunter2@db.test/weir")
    assert.strictEqual(
      why,
      "Storage at postgres: is unusable: `postgres:` cannot be opened by this version; accepted is " +
        "sqlite:PATH (relative to the working directory, or absolute)"
    )
    assert.match(whyNot("./weir.db") ?? "", /an address without a scheme cannot be opened/)
  })

  it("refuses an address that names no file, a host, parameters or a special database", () => {
    assert.match(whyNot("sqlite:") ?? "", /names no file/)
    assert.match(whyNot("sqlite:data/") ?? "", /names no file/)
    assert.match(whyNot("sqlite://data/weir.db") ?? "", /names a file, no host/)
    assert.match(whyNot("sqlite:weir.db?mode=ro") ?? "", /no parameters/)
    assert.match(whyNot("sqlite::memory:") ?? "", /no parameters or special names/)
  })
})
