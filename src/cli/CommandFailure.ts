/**
 * CommandFailure: why a command did not do what was asked, as one line for a person and an exit code for a script.
 */
import { Runtime, Schema } from "effect"
import type { HttpServerError } from "effect/http"
import type { ConfigError } from "../config/ConfigError.ts"
import type { StorageError } from "../message/StorageError.ts"
import type { ClientKeysError } from "../policy/ClientKeysError.ts"
import type { DatabaseLocked } from "../storage/DatabaseLock.ts"
import type { StorageUnusable } from "../storage/StorageUnusable.ts"

/** 1: what was asked or configured is wrong. 2: it is right, but cannot be done here and now. */
export class CommandFailure extends Schema.TaggedError<CommandFailure>()("CommandFailure", {
  exitCode: Schema.Literals([1, 2]),
  /** One line without a secret. */
  line: Schema.String
}) {
  override get message(): string {
    return this.line
  }
  override readonly [Runtime.errorReported] = false
  override get [Runtime.errorExitCode](): number {
    return this.exitCode
  }
}

/** What the person did is wrong. */
export const wrong = (line: string): CommandFailure => new CommandFailure({ exitCode: 1, line })

/** It cannot be done here and now. */
export const unable = (line: string): CommandFailure => new CommandFailure({ exitCode: 2, line })

/** What a failed start means for the person who started it. */
export const ofStart = (
  error: ConfigError | StorageError | StorageUnusable | DatabaseLocked | HttpServerError.ServeError | ClientKeysError
): CommandFailure => {
  switch (error._tag) {
    case "ConfigError":
      return wrong(error.message)
    case "StorageError":
      return unable(causeOf(error.message, error.cause))
    case "StorageUnusable":
    case "DatabaseLocked":
    case "ClientKeysError":
      return unable(error.message)
    case "ServeError":
      return unable(causeOf("The address cannot be listened on", error.cause))
  }
}

const causeOf = (line: string, cause: unknown): string => (cause instanceof Error ? `${line}: ${cause.message}` : line)
