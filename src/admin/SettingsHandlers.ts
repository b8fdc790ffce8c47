/**
 * SettingsHandlers: the admin API's requests about settings, over their one writer.
 */
import { Effect, type Layer, Schema } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { type GroupView, RuntimeSettings, type SettingsError } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import type { StorageError } from "../message/StorageError.ts"
import { type AdminAccess, AdminApi, type AdminFaults } from "./AdminApi.ts"
import { internal } from "./AdminGuard.ts"
import { BadRequest, type Internal, NotFound } from "./ErrorSchema.ts"
import { readPayload } from "./JsonPayload.ts"
import { sections } from "./SettingsSchema.ts"

/** The handlers of the group `settings`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "settings">,
  never,
  CredentialPool | RuntimeSettings | AdminAccess | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "settings",
  Effect.fnUntraced(function* (handlers) {
    const settings = yield* RuntimeSettings
    const pool = yield* CredentialPool

    const deleted = Effect.fnUntraced(function* (id: string) {
      const known = yield* settings.groups
      if (!known.some(({ group }) => group.id === id)) return yield* unknownGroup
      const left = yield* told(settings.deleteGroup(id))
      // What no longer exists says nothing about its members.
      yield* told(pool.operations.leaveGroup(id))
      return list(left)
    })

    return handlers
      .handle("groups", () => Effect.map(settings.groups, list))
      .handleRaw("putGroup", ({ request }) =>
        readPayload(request, Schema.Unknown).pipe(
          Effect.flatMap((group) => told(settings.putGroup(group))),
          Effect.map(list)
        )
      )
      .handle("deleteGroup", ({ params }) => deleted(params.id))
      .handle("section", ({ params }) => settings.section(sections[params.section]))
      .handleRaw("update", ({ params, request }) =>
        Effect.flatMap(readPayload(request, Schema.Unknown), (partial) =>
          told(settings.update(sections[params.section], partial))
        )
      )
      .handle("remove", ({ params }) => told(settings.remove(sections[params.section], params.member)))
  })
)

const list = (groups: ReadonlyArray<GroupView>) => ({ data: groups.map(({ group, origin }) => ({ ...group, origin })) })

const unknownGroup = new NotFound({ message: "id: there is no such group" })

/** A change that did not come about, in the API's words. */
const told = <A>(change: Effect.Effect<A, SettingsError | StorageError>): Effect.Effect<A, BadRequest | Internal> =>
  change.pipe(
    Effect.catchTags({
      SettingsError: ({ message }: SettingsError) => Effect.fail(new BadRequest({ message })),
      StorageError: (error: StorageError) =>
        Effect.andThen(Effect.logError("A change of the settings could not be stored", error), Effect.fail(internal))
    })
  )
