/**
 * IntakeHandlers: the admin API's requests to add credentials.
 */
import { Effect, type Layer, Queue, Stream } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { CredentialIntake, type Taken, type VerificationPolicy } from "../credential/CredentialIntake.ts"
import type { StorageError } from "../message/StorageError.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { internal } from "./AdminGuard.ts"
import * as Audit from "./Audit.ts"
import { AuditStore } from "./AuditStore.ts"
import { BadRequest } from "./ErrorSchema.ts"
import { type ImportRow, mostRows } from "./IntakeSchema.ts"
import { readText } from "./JsonPayload.ts"
import { event, quiet, sseAnswer, wantsEvents } from "./SseAnswer.ts"

/** The most that is read of an import. MiB. */
const largestImport = 8

/** The handlers of the group `intake`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "intake">,
  never,
  AuditStore | CredentialIntake | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "intake",
  Effect.fnUntraced(function* (handlers) {
    const intake = yield* CredentialIntake
    const store = yield* AuditStore

    const rowsOf = Effect.fnUntraced(function* (text: string, allowProxy: string | undefined) {
      const rows = intake.rowsOf(text, allowProxy === "true")
      const [first] = rows
      if (first?.row === 0 && first.kind === "invalid")
        return yield* new BadRequest({ message: `the body: ${textOf(first)}` })
      if (rows.length > mostRows) {
        return yield* new BadRequest({
          message: `the body: has ${rows.length} rows; at most ${mostRows} are taken at once`
        })
      }
      return rows
    })

    return handlers
      .handleRaw(
        "add",
        Effect.fnUntraced(function* ({ query, request }) {
          const rows = yield* rowsOf(yield* readText(request), query.allowProxy)
          const [row, ...others] = rows
          if (row === undefined || others.length > 0) {
            return yield* new BadRequest({
              message:
                row === undefined
                  ? "the body: holds no credential"
                  : `the body: holds ${rows.length} rows where one credential is expected; import takes several`
            })
          }
          if (row.kind !== "credential") return yield* new BadRequest({ message: textOf(row) })
          const policy = query.verify === "false" ? "none" : "require"
          const [taken] = yield* stored(intake.take([row], policy, () => Effect.void))
          if (taken?.status !== "added" || taken.id === undefined) {
            return yield* new BadRequest({ message: refusal(secretOf(row.draft.kind), taken) })
          }
          const { email = null, id } = taken
          yield* Audit.note({ ids: [id], after: { id, email } })
          return { id, email }
        })
      )
      .handleRaw(
        "import",
        Effect.fnUntraced(function* ({ query, request }) {
          const rows = yield* rowsOf(yield* readText(request, largestImport), query.allowProxy)
          const record = yield* Audit.later(store)
          const taken: Array<Taken> = []
          /** Recorded as far as it came, however it ends. */
          const take = (told: (result: ImportRow) => Effect.Effect<void>) =>
            intake
              .take(rows, policies[query.verify || "true"], (result) => {
                taken.push(result)
                return told(shown(result))
              })
              .pipe(
                Effect.map((results) => ({ results: results.map(shown) })),
                stored,
                Effect.ensuring(Effect.suspend(() => record(summary(taken))))
              )
          if (!wantsEvents(request.headers)) return yield* take(() => Effect.void)
          const progress = Stream.callback<string>(
            (queue) =>
              take((result) => Effect.asVoid(Queue.offer(queue, event("row", result)))).pipe(
                Effect.map((results) => event("results", results)),
                Effect.catch(({ message }) =>
                  Effect.succeed(event("error", { type: "error", error: { type: "api_error", message } }))
                ),
                Effect.flatMap((last) => Queue.offer(queue, last)),
                Effect.andThen(Queue.end(queue))
              ),
            // Who reads slowly slows the import.
            { bufferSize: 64, strategy: "suspend" }
          )
          return sseAnswer(Stream.merge(progress, quiet, { haltStrategy: "left" }))
        })
      )
  })
)

const policies = { true: "tell", false: "none", strict: "require" } as const satisfies Readonly<
  Record<string, VerificationPolicy>
>

const shown = ({ id, message, row, status }: Taken): ImportRow => ({
  row,
  status,
  ...(id === undefined ? {} : { id }),
  ...(message === undefined ? {} : { message })
})

const textOf = (row: { readonly message?: string }): string => row.message ?? ""

/** The member that a kind of credential is known by. */
const secretOf = (kind: string): string =>
  kind === "api_key" ? "kiroApiKey" : kind === "anthropic" ? "apiKey" : "refreshToken"

const refusal = (member: string, taken: Taken | undefined): string =>
  taken?.status === "duplicate"
    ? `${member}: ${textOf(taken)}${taken.id === undefined ? "" : `, as ${taken.id}`}`
    : `${member}: could not be verified: ${taken === undefined ? "" : textOf(taken)}`

/** What an entry of the audit says of an import. */
const summary = (taken: ReadonlyArray<Taken>): Audit.Change => {
  const count = (status: Taken["status"]) => taken.filter((one) => one.status === status).length
  return {
    ids: taken.flatMap(({ id, status }) => (id === undefined || status === "duplicate" ? [] : [id])),
    after: {
      added: count("added"),
      duplicate: count("duplicate"),
      invalid: count("invalid"),
      unverified: count("unverified")
    }
  }
}

const stored = <A>(effect: Effect.Effect<A, StorageError>) =>
  effect.pipe(
    Effect.catch((error) =>
      Effect.andThen(Effect.logError("Credentials could not be stored", error), Effect.fail(internal))
    )
  )
