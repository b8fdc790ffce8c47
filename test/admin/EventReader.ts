/**
 * EventReader: a stream of server-sent events of the admin API, read as fast or as slowly as a test likes.
 */
import { Deferred, Effect, type Scope } from "effect"
import { type IncomingMessage, request } from "node:http"
import { type AdminRig, adminKey } from "./AdminRig.ts"

export interface EventReader {
  readonly status: number
  /** What has come so far. */
  readonly text: () => string
  /** Waits until what has come matches, or the stream has ended. */
  readonly until: (pattern: RegExp) => Effect.Effect<string>
  readonly pause: () => void
  readonly resume: () => void
  /** Whether the server has ended it. */
  readonly ended: () => boolean
}

export interface Reading {
  readonly method?: string
  readonly body?: string
  readonly headers?: Record<string, string>
}

/** Begins to read; goes away with the scope. */
export const readEvents = (
  rig: Pick<AdminRig, "port">,
  path: string,
  { body = "", headers = {}, method = "GET" }: Reading = {}
): Effect.Effect<EventReader, never, Scope.Scope> =>
  Effect.gen(function* () {
    const opened = yield* Deferred.make<IncomingMessage>()
    const sent = yield* Effect.acquireRelease(
      Effect.sync(() =>
        request(
          {
            host: "127.0.0.1",
            port: rig.port,
            path,
            method,
            agent: false,
            headers: { "x-api-key": adminKey, accept: "text/event-stream", ...headers }
          },
          (response) => Deferred.doneUnsafe(opened, Effect.succeed(response))
        )
      ),
      (sent) => Effect.sync(() => sent.destroy())
    )
    sent.on("error", () => {})
    sent.end(body)
    const response = yield* Deferred.await(opened)
    let text = ""
    let ended = false
    const watchers = new Set<() => void>()
    const look = () => {
      for (const watcher of watchers) watcher()
    }
    response.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      look()
    })
    response.on("close", () => {
      ended = true
      look()
    })
    return {
      status: response.statusCode ?? 0,
      text: () => text,
      until: (pattern) =>
        Effect.callback<string>((resume) => {
          const watcher = () => {
            if (!ended && !pattern.test(text)) return
            watchers.delete(watcher)
            resume(Effect.succeed(text))
          }
          watchers.add(watcher)
          watcher()
          return Effect.sync(() => watchers.delete(watcher))
        }),
      pause: () => response.pause(),
      resume: () => response.resume(),
      ended: () => ended
    }
  })
