/**
 * KeyHandlers: the admin API's requests about client keys.
 */
import { DateTime, Effect, type Layer, Redacted } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { type KeyLimits, unlimited } from "../message/KeyLimits.ts"
import type { StorageError } from "../message/StorageError.ts"
import { type ClientKey, ClientKeys } from "../policy/ClientKeys.ts"
import type { ClientKeysError } from "../policy/ClientKeysError.ts"
import { KeyAdmission } from "../policy/KeyAdmission.ts"
import * as Audit from "./Audit.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { internal } from "./AdminGuard.ts"
import { BadRequest, type Internal, NotFound } from "./ErrorSchema.ts"
import { readPayload } from "./JsonPayload.ts"
import { KeyChange, type KeyView, NewKey } from "./KeySchema.ts"

/** The handlers of the group `keys`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "keys">,
  never,
  ClientKeys | KeyAdmission | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "keys",
  Effect.fnUntraced(function* (handlers) {
    const keys = yield* ClientKeys
    const admission = yield* KeyAdmission

    const view = (key: ClientKey): KeyView => {
      const { created, disabled, id, limits, name, source } = key
      const { budget, lastUsedAt, standing, ...use } = admission.usage(key)
      return {
        id,
        name,
        created: timeOf(created),
        source,
        disabled,
        ...limits,
        expiresAt: timeOf(limits.expiresAt),
        use: {
          ...use,
          requests: rateOf(standing.requests),
          tokens: rateOf(standing.tokens),
          budget: budget === null ? null : { ...budget, renewsAt: DateTime.makeUnsafe(budget.renewsAt) },
          lastUsedAt: timeOf(lastUsedAt)
        }
      }
    }

    const create = Effect.fnUntraced(function* ({ name, ...limits }: NewKey) {
      const { id, key } = yield* keys
        .create(name, { ...unlimited, ...limitsOf(limits) })
        .pipe(Effect.catchTags({ ClientKeysError: refused, StorageError: unstored }))
      const made = keys.find(id)
      yield* Audit.note({ ids: [id], after: made === null ? null : factsOf(made) })
      // Whoever deletes it at once has seen what there was to see.
      return made === null ? yield* internal : { ...view(made), key: Redacted.value(key) }
    })

    const update = ({ disabled, name, ...limits }: KeyChange) => ({
      ...limitsOf(limits),
      ...(name === undefined ? {} : { name }),
      ...(disabled === undefined ? {} : { disabled })
    })

    return handlers
      .handle("list", () => Effect.sync(() => ({ data: keys.list().map(view) })))
      .handleRaw("create", ({ request }) => Effect.flatMap(readPayload(request, NewKey, strict), create))
      .handleRaw("update", ({ params, request }) =>
        Effect.gen(function* () {
          const change = yield* readPayload(request, KeyChange, strict)
          const before = keys.find(params.id)
          const after = yield* told(keys.update(params.id, update(change)))
          yield* Audit.note({
            ids: [params.id],
            before: before === null ? null : factsOf(before),
            after: factsOf(after)
          })
          return view(after)
        })
      )
      .handle("remove", ({ params }) =>
        Effect.gen(function* () {
          const before = keys.find(params.id)
          yield* told(keys.remove(params.id))
          yield* Audit.note({ ids: [params.id], before: before === null ? null : factsOf(before) })
        })
      )
  })
)

/** What can be changed of a key. */
const factsOf = ({ disabled, limits, name }: ClientKey) => ({ name, disabled, ...limits })

/** A limit that was meant and not understood would be none. */
const strict = { onExcessProperty: "error" } as const

/** The members that are given. */
const limitsOf = ({ budget, expiresAt, ...limits }: Omit<NewKey, "name">): Partial<KeyLimits> => ({
  ...limits,
  ...(budget === undefined
    ? {}
    : {
        budget: budget === null ? null : { ...budget, tokens: budget.tokens ?? null, credits: budget.credits ?? null }
      }),
  ...(expiresAt === undefined ? {} : { expiresAt: expiresAt === null ? null : DateTime.toEpochMillis(expiresAt) })
})

const timeOf = (millis: number | null) => (millis === null ? null : DateTime.makeUnsafe(millis))

const rateOf = <A extends { readonly resetsAt: number }>(rate: A | null) =>
  rate === null ? null : { ...rate, resetsAt: DateTime.makeUnsafe(rate.resetsAt) }

const unknown = new NotFound({ message: "id: there is no such key" })

/** A change that did not come about, in the API's words. */
const told = <A>(
  change: Effect.Effect<A, ClientKeysError | StorageError>
): Effect.Effect<A, BadRequest | NotFound | Internal> =>
  change.pipe(
    Effect.catchTags({
      ClientKeysError: (error: ClientKeysError) =>
        error.reason._tag === "Unknown" ? Effect.fail(unknown) : refused(error),
      StorageError: unstored
    })
  )

const refused = ({ message, reason }: ClientKeysError) =>
  Effect.fail(new BadRequest({ message: `${reason._tag === "TooMany" ? "keys" : "id"}: ${message}` }))

const unstored = (error: StorageError) =>
  Effect.andThen(Effect.logError("A change of a client key could not be stored", error), Effect.fail(internal))
