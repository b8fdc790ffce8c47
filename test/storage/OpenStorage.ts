/**
 * OpenStorage: a program that opens the storage at its first argument, says `open` or the error as JSON, and keeps it
 * open until its input ends. With `rotate ID` it then saves the refresh tokens 1, 2, 3 … and says each number once that
 * is saved, until it is killed.
 */
import { DateTime, Effect, Logger, Redacted } from "effect"
import { once } from "node:events"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import * as Storage from "../../src/storage/Storage.ts"

const [url = "", command, id = ""] = process.argv.slice(2)
const say = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const rotate = Effect.gen(function* () {
  const store = yield* CredentialStore
  for (let token = 1; ; token++) {
    yield* store.saveTokens(CredentialId.make(id), {
      accessToken: Redacted.make("access"),
      refreshToken: Redacted.make(String(token)),
      expiresAt: DateTime.makeUnsafe(0),
      profileArn: null,
      tokenEndpoint: null
    })
    yield* say(String(token))
  }
})

const program = Effect.gen(function* () {
  yield* CredentialStore
  yield* say("open")
  if (command === "rotate") return yield* rotate
  yield* Effect.promise(() => once(process.stdin.resume(), "end"))
}).pipe(
  Effect.provide(Storage.layer({ url })),
  Effect.catch((error) => say(JSON.stringify({ ...error, message: error.message }))),
  // The lines are this program's own: nothing else speaks there.
  Effect.provide(Logger.layer([]))
)

await Effect.runPromise(program)
process.stdin.unref()
