/**
 * SettingsHandlers: the admin API's requests about settings, over their one writer.
 */
import { Effect, type Layer, Predicate, Schema } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { type GroupView, RuntimeSettings, type SettingsError } from "../config/RuntimeSettings.ts"
import type { SectionView } from "../config/SettingsOverlay.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import type { StorageError } from "../message/StorageError.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { internal } from "./AdminGuard.ts"
import * as Audit from "./Audit.ts"
import { BadRequest, type Internal, NotFound } from "./ErrorSchema.ts"
import { readPayload } from "./JsonPayload.ts"
import { sections } from "./SettingsSchema.ts"

/** The handlers of the group `settings`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "settings">,
  never,
  CredentialPool | RuntimeSettings | AdminAccess | AdminAudit | AdminFaults
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
      yield* Audit.note({ ids: [id], before: groupIn(known, id), after: groupIn(left, id) })
      return list(left)
    })

    const putGroup = Effect.fnUntraced(function* (group: unknown) {
      const known = yield* settings.groups
      const after = yield* told(settings.putGroup(group))
      const id = Predicate.hasProperty(group, "id") ? String(group.id) : ""
      yield* Audit.note({ ids: [id], before: groupIn(known, id), after: groupIn(after, id) })
      return list(after)
    })

    /** Records which members of a section a change has changed. */
    const recorded = Effect.fnUntraced(function* (
      name: keyof typeof sections,
      change: Effect.Effect<SectionView, SettingsError | StorageError>
    ) {
      const before = yield* settings.section(sections[name])
      const after = yield* told(change)
      yield* Audit.note({ ids: [name], before: before.value, after: after.value })
      return after
    })

    return handlers
      .handle("groups", () => Effect.map(settings.groups, list))
      .handleRaw("putGroup", ({ request }) => Effect.flatMap(readPayload(request, Schema.Unknown), putGroup))
      .handle("deleteGroup", ({ params }) => deleted(params.id))
      .handle("section", ({ params }) => settings.section(sections[params.section]))
      .handleRaw("update", ({ params, request }) =>
        Effect.flatMap(readPayload(request, Schema.Unknown), (partial) =>
          recorded(params.section, settings.update(sections[params.section], partial))
        )
      )
      .handle("remove", ({ params }) =>
        recorded(params.section, settings.remove(sections[params.section], params.member))
      )
  })
)

/** The address of a proxy stands alone: neither user name nor password is shown. */
const shown = ({ group: { id, proxy }, origin }: GroupView) => ({
  id,
  ...(proxy === undefined ? {} : { proxy: { url: proxy.url } }),
  proxyAccount: proxy?.username !== undefined,
  origin
})

const list = (groups: ReadonlyArray<GroupView>) => ({ data: groups.map(shown) })

const groupIn = (groups: ReadonlyArray<GroupView>, id: string) => {
  const found = groups.find(({ group }) => group.id === id)
  return found === undefined ? null : shown(found)
}

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
