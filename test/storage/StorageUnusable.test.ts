import { assert, describe, it } from "@effect/vitest"
import { SqlError } from "effect/sql"
import { fromFileError, fromSqlError, StorageUnusable } from "../../src/storage/StorageUnusable.ts"

const reasonOfCode = (errno: number) => {
  const reason = SqlError.classifySqliteError({ errno }, { operation: "execute", message: "said so" })
  return fromSqlError("/data/weir.db")(new SqlError.SqlError({ reason })).reason
}

describe("StorageUnusable", () => {
  it("tells what SQLite's codes mean, extended ones too", () => {
    const meanings = [
      [3, "read_only"],
      [5, "busy"],
      [6, "busy"],
      [8, "read_only"],
      [10, "io"],
      [10 | (3 << 8), "io"],
      [11, "corrupt"],
      [13, "full"],
      [14, "directory"],
      [26, "corrupt"],
      [1, "io"]
    ] as const
    for (const [code, reason] of meanings) assert.strictEqual(reasonOfCode(code), reason, String(code))
  })

  it("tells what PostgreSQL's codes mean, and that no server answers", () => {
    const { AuthenticationError, ConnectionError, UnknownError } = SqlError
    const reasonOf = (
      cause: object,
      reason: typeof AuthenticationError | typeof ConnectionError | typeof UnknownError
    ) => {
      const made = new reason({ cause: Object.assign(new Error("said so"), cause), operation: "query" })
      const { reason: meaning, why } = fromSqlError("postgres://db.test/weir")(new SqlError.SqlError({ reason: made }))
      return `${meaning}: ${why}`
    }
    const meanings = [
      ["28P01", "refused"],
      ["28000", "refused"],
      ["3D000", "refused"],
      ["42501", "refused"],
      ["25006", "read_only"],
      ["53100", "full"],
      ["53300", "busy"],
      ["57P03", "unreachable"],
      ["XX001", "corrupt"]
    ] as const
    for (const [code, meaning] of meanings) assert.match(reasonOf({ code }, UnknownError), new RegExp(`^${meaning}: `))
    assert.strictEqual(reasonOf({ code: "55000" }, UnknownError), "io: the server refused: said so (55000)")
    assert.match(reasonOf({}, AuthenticationError), /^refused: the server refused the user name or the password$/)
    assert.match(reasonOf({ code: "ETIMEDOUT", errno: -110 }, ConnectionError), /^unreachable: .* \(ETIMEDOUT\)$/)
    assert.match(reasonOf({}, ConnectionError), /^unreachable: the server cannot be reached \(said so\)$/)
  })

  it("tells what a file system's codes mean, and names the file and what was being done", () => {
    const meanings = [
      ["EROFS", "read_only"],
      ["EACCES", "read_only"],
      ["EPERM", "read_only"],
      ["ENOSPC", "full"],
      ["EDQUOT", "full"],
      ["EIO", "io"],
      ["ENOTDIR", "directory"]
    ] as const
    for (const [code, reason] of meanings) {
      const error = fromFileError("/data/master.key", "write the master key")(Object.assign(new Error("no"), { code }))
      assert.strictEqual(error.reason, reason)
      assert.strictEqual(
        error.message,
        `Storage at /data/master.key is unusable: could not write the master key (${code})`
      )
    }
    assert.match(fromFileError("/data", "read")("odd").message, /could not read \(unknown error\)$/)
  })

  it("is one line", () => {
    const error = new StorageUnusable({ path: "/data", reason: "io", why: "the disk is gone" })
    assert.strictEqual(error.message, "Storage at /data is unusable: the disk is gone")
  })
})
