import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as StorageUrl from "../../src/storage/StorageUrl.ts"

const pathOf = (url: string) => {
  const parsed = Result.getOrUndefined(StorageUrl.parse(url))
  return parsed?.kind === "sqlite" ? parsed.path : undefined
}
const nameOf = (url: string) => {
  const parsed = Result.getOrUndefined(StorageUrl.parse(url))
  return parsed?.kind === "postgres" ? parsed.name : undefined
}
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
    const why = whyNot("mysql://user:hunter2@db.test/weir")
    assert.strictEqual(
      why,
      "Storage at mysql: is unusable: `mysql:` cannot be opened by this version; accepted is " +
        "sqlite:PATH (relative to the working directory, or absolute) or postgres://USER:PASSWORD@HOST:PORT/DATABASE"
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

  it("calls a database of a server by its address without user, password and parameters", () => {
    assert.strictEqual(nameOf("postgres://u:hunter2@db.test/weir?password=hunter2"), "postgres://db.test/weir")
    assert.strictEqual(nameOf("postgresql://u@[::1]:5433/weir"), "postgres://[::1]:5433/weir")
    assert.strictEqual(nameOf("postgres://u@h/weir?host=/run/postgresql"), "postgres:///run/postgresql/weir")
  })

  it("refuses an address of a server that lacks something or cannot be read, and repeats none of it", () => {
    const wrong = [
      ["postgres://u:hunter2@db.test/", /names no database/],
      ["postgres://u:hunter2@db.test/a/b", /names no database/],
      ["postgres://db.test/weir", /names no user/],
      ["postgres://u:hunter2%zz@db.test/weir", /cannot be read; special characters/],
      ["postgres://u:hunter2#@db.test/weir", /cannot be read; special characters/],
      ["postgres://u:hunter2@db.test:port/weir", /cannot be read; special characters/]
    ] as const
    for (const [url, expected] of wrong) {
      assert.match(whyNot(url) ?? "", expected)
      assert.notMatch(whyNot(url) ?? "", /hunter2|db\.test/)
    }
  })
})
