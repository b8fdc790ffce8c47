/**
 * OpenStorage: a program that opens the storage at its first argument, says `open` or the error as JSON, and keeps it
 * open until its input ends. With `save ID TOKEN` it first saves that refresh token and says `saved`.
 */
import { Effect, Redacted } from "effect"
import { once } from "node:events"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import * as Storage from "../../src/storage/Storage.ts"
import { DateTime } from "effect"

const [url = "", command, id = "", token = ""] = process.argv.slice(2)
const say = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const program = Effect.gen(function* () {
  const store = yield* CredentialStore
  if (command === "save") {
    yield* store.saveTokens(CredentialId.make(id), {
      accessToken: Redacted.make("access"),
      refreshToken: Redacted.make(token),
      expiresAt: DateTime.makeUnsafe(0),
      profileArn: null,
      tokenEndpoint: null
    })
    yield* say("saved")
  }
  yield* say("open")
  yield* Effect.promise(() => once(process.stdin.resume(), "end"))
}).pipe(
  Effect.provide(Storage.layer({ url })),
  Effect.catch((error) => say(JSON.stringify({ ...error, message: error.message })))
)

await Effect.runPromise(program)
process.stdin.unref()
