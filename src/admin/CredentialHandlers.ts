/**
 * CredentialHandlers: the admin API's requests about credentials, over the pool.
 */
import { DateTime, Effect, type Layer } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import type { CredentialId, GroupId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { internal } from "./AdminGuard.ts"
import * as Audit from "./Audit.ts"
import { page, view } from "./CredentialList.ts"
import { SetDisabled, SetGroup, SetPriority } from "./CredentialSchema.ts"
import { BadRequest, NotFound, RefreshFailed } from "./ErrorSchema.ts"
import { readPayload } from "./JsonPayload.ts"

/** The handlers of the group `credentials`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "credentials">,
  never,
  CredentialPool | RuntimeSettings | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "credentials",
  Effect.fnUntraced(function* (handlers) {
    const pool = yield* CredentialPool
    const settings = yield* RuntimeSettings
    const { operations } = pool

    /** Also keeps from the operator what the pool does not show. */
    const find = (id: CredentialId) =>
      Effect.flatMap(pool.snapshot, ({ credentials }) => {
        const status = credentials.find((status) => status.id === id)
        return status === undefined ? Effect.fail(unknown) : Effect.succeed(view(status))
      })
    /** Does something with a credential, and answers with the credential after it. */
    const change = Effect.fnUntraced(function* <E>(id: CredentialId, operation: Effect.Effect<void, E>) {
      const before = yield* find(id)
      yield* operation
      const after = yield* find(id)
      yield* Audit.note({ ids: [id], before, after })
      return after
    })
    const remove = Effect.fnUntraced(function* (id: CredentialId) {
      const before = yield* find(id)
      yield* operations.remove(id)
      yield* Audit.note({ ids: [id], before })
      return before
    })

    const regroup = Effect.fnUntraced(function* (id: CredentialId, group: GroupId | null) {
      if (group !== null && !settings.current().groups.some((known) => known.id === group)) return yield* unknownGroup
      yield* operations.setGroup(id, group)
    })

    return handlers
      .handle("list", ({ query }) =>
        Effect.flatMap(pool.snapshot, (snapshot) => {
          const groups = settings.current().groups.map(({ id }) => id)
          return Effect.mapError(
            Effect.fromResult(page(snapshot, groups, query)),
            (message) => new BadRequest({ message })
          )
        })
      )
      .handleRaw("setDisabled", ({ params, request }) =>
        Effect.flatMap(readPayload(request, SetDisabled), ({ disabled }) =>
          change(params.id, operations.setDisabled(params.id, disabled)).pipe(
            Effect.catchTag("UnknownCredential", () => Effect.fail(unknown))
          )
        )
      )
      .handleRaw("setPriority", ({ params, request }) =>
        Effect.flatMap(readPayload(request, SetPriority), ({ priority }) =>
          change(params.id, operations.setPriority(params.id, priority)).pipe(
            Effect.catchTags({ UnknownCredential: () => Effect.fail(unknown), StorageError: unstored })
          )
        )
      )
      .handleRaw("setGroup", ({ params, request }) =>
        Effect.flatMap(readPayload(request, SetGroup), ({ group }) =>
          change(params.id, regroup(params.id, group)).pipe(
            Effect.catchTags({ UnknownCredential: () => Effect.fail(unknown), StorageError: unstored })
          )
        )
      )
      .handle("remove", ({ params }) =>
        remove(params.id).pipe(
          Effect.catchTags({
            UnknownCredential: () => Effect.fail(unknown),
            NotDisabled: () => Effect.fail(notDisabled),
            StorageError: unstored
          })
        )
      )
      .handle("balance", ({ params }) =>
        find(params.id).pipe(
          Effect.andThen(operations.balance(params.id)),
          Effect.map((balance) => ({
            ...balance,
            resetsAt: balance.resetsAt === null ? null : DateTime.makeUnsafe(balance.resetsAt)
          })),
          Effect.catchTags({
            UnknownCredential: () => Effect.fail(unknown),
            UpstreamFailure: ({ reason }) =>
              Effect.fail(new RefreshFailed({ message: `the upstream: ${reason.kind}` })),
            RefreshFailure: ({ kind }) => Effect.fail(new RefreshFailed({ message: refreshFailures[kind] }))
          })
        )
      )
      .handle("reset", ({ params }) =>
        change(params.id, operations.reset(params.id)).pipe(
          Effect.catchTag("UnknownCredential", () => Effect.fail(unknown))
        )
      )
      .handle("refresh", ({ params }) =>
        change(params.id, operations.refresh(params.id)).pipe(
          Effect.catchTags({
            UnknownCredential: () => Effect.fail(unknown),
            NotRefreshable: () => Effect.fail(notRefreshable),
            RefreshFailure: ({ kind }) => Effect.fail(new RefreshFailed({ message: refreshFailures[kind] }))
          })
        )
      )
  })
)

const unknownGroup = new BadRequest({ message: "group: there is no such group" })
const notDisabled = new BadRequest({ message: "disabled: only a disabled credential can be deleted" })
const unknown = new NotFound({ message: "id: there is no such credential" })
const notRefreshable = new BadRequest({ message: "id: not refreshable: an API key has no token to renew" })

/** What became of a refresh, without the provider's own words: those are in the log. */
const refreshFailures = {
  rejected: "the identity provider no longer takes this credential; only a new sign-in helps",
  incomplete: "the stored refresh token is not whole; only a new sign-in helps",
  refused: "the identity provider refused the refresh",
  unavailable: "no new token: the identity provider could not be reached or had a fault of its own"
} as const

const unstored = (error: StorageError) =>
  Effect.andThen(Effect.logError("A change by the admin API could not be stored", error), Effect.fail(internal))
