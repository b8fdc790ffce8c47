import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import * as Secrets from "../../src/storage/Secrets.ts"
import { newRing } from "./TestDatabase.ts"

const place = { table: "credentials", column: "refresh_token_sealed", row: "one" }

describe("Secrets", () => {
  it.effect.prop(
    "opens any well-formed text that it sealed, only at its place and only with its key",
    [Schema.String, Schema.String],
    ([anyText, anyRow]) =>
      Effect.gen(function* () {
        const [text, row] = [anyText.toWellFormed(), anyRow.toWellFormed()]
        const secrets = Secrets.make(yield* newRing)
        const here = { ...place, row }
        const sealed = yield* secrets.seal(Redacted.make(text), here)
        assert.strictEqual(Redacted.value(yield* secrets.open(sealed, here)), text)

        const why = (error: Secrets.SecretUnreadable) => error.why
        const elsewhere = [
          { ...here, row: `${row}x` },
          { ...here, column: "access_token_sealed" },
          { ...here, table: "keys" }
        ]
        for (const other of elsewhere) {
          assert.strictEqual(why(yield* Effect.flip(secrets.open(sealed, other))), "tampered")
        }
        const stranger = Secrets.make(yield* newRing)
        assert.strictEqual(why(yield* Effect.flip(stranger.open(sealed, here))), "unknown_key")
      })
  )

  it.effect("refuses a value of which any one bit was changed", () =>
    Effect.gen(function* () {
      const secrets = Secrets.make(yield* newRing)
      const sealed = yield* secrets.seal(Redacted.make("token"), place)
      const start = sealed.slice(0, 20)
      const data = Buffer.from(sealed.slice(20), "base64url")
      for (let bit = 0; bit < data.length * 8; bit++) {
        const changed = Buffer.from(data)
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const error = yield* Effect.flip(secrets.open(start + changed.toString("base64url"), place))
        assert.strictEqual(error.why, "tampered")
      }
    })
  )

  it.effect("refuses what is no sealed value, or cut short", () =>
    Effect.gen(function* () {
      const secrets = Secrets.make(yield* newRing)
      const sealed = yield* secrets.seal(Redacted.make("token"), place)
      for (const odd of ["", "token", sealed.slice(0, 30), sealed.replace("v1.", "v2."), sealed.toUpperCase()]) {
        assert.strictEqual((yield* Effect.flip(secrets.open(odd, place))).why, "format")
      }
    })
  )

  it.effect("seals the same text differently each time and never holds it in clear", () =>
    Effect.gen(function* () {
      const secrets = Secrets.make(yield* newRing)
      const sealed = yield* Effect.all(Array.from({ length: 100 }, () => secrets.seal(Redacted.make("token"), place)))
      assert.strictEqual(new Set(sealed.map((value) => value.slice(0, 36))).size, 100)
      assert.isFalse(sealed.some((value) => Buffer.from(value.slice(20), "base64url").includes("token")))
    })
  )

  it.effect("names the key at the start of each value", () =>
    Effect.gen(function* () {
      const ring = yield* newRing
      const sealed = yield* Secrets.make(ring).seal(Redacted.make("token"), place)
      assert.strictEqual(Secrets.keyIdOf(sealed.slice(0, Secrets.keyPrefixLength)), ring.current.id)
    })
  )
})
