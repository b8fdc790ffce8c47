import { assert, describe, it } from "@effect/vitest"
import { Option, Redacted, Schema } from "effect"
import { sqlitePath, StorageAddress } from "../../src/config/StorageAddress.ts"

const shown = (text: string) => Schema.encodeSync(StorageAddress)(Redacted.make(text))

describe("StorageAddress", () => {
  it("takes SQLite and PostgreSQL, hidden", () => {
    const decode = Schema.decodeUnknownSync(StorageAddress)
    for (const text of ["sqlite:./weir.db", "postgres://db.test/weir", "postgresql://u:p@db.test/weir"]) {
      assert.strictEqual(Redacted.value(decode(text)), text)
      assert.notInclude(String(decode(text)), text)
    }
    for (const text of ["./weir.db", "mysql://db.test", "sqlite:", "", 5]) {
      assert.isTrue(Option.isNone(Schema.decodeUnknownOption(StorageAddress)(text)), String(text))
    }
  })

  it("shows which database it is, and no password, wherever one may stand", () => {
    assert.strictEqual(shown("postgres://u:hunter2@db.test:5/weir"), "postgres://u:<redacted>@db.test:5/weir")
    assert.strictEqual(shown("postgres://db.test/weir?password=hunter2&x=1"), "postgres://db.test/weir")
    assert.strictEqual(shown("postgres://u@db.test/weir#hunter2"), "postgres://u@db.test/weir")
    assert.strictEqual(shown("postgres://u:hunter2@db test/weir"), "postgres://<redacted>")
    assert.strictEqual(shown("sqlite:/data/weir.db"), "sqlite:/data/weir.db")
  })

  it("knows the path of an SQLite file", () => {
    assert.strictEqual(sqlitePath(Redacted.make("sqlite:./weir.db")), "./weir.db")
    assert.strictEqual(sqlitePath(Redacted.make("sqlite:///data/weir.db")), "/data/weir.db")
    assert.isNull(sqlitePath(Redacted.make("postgres://db.test/weir")))
  })
})
