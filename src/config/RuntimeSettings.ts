/**
 * RuntimeSettings: the settings that change while the gateway runs, and the one writer of them.
 *
 * Stored values win over the file's, the file's over the defaults. A change is checked, stored, and only then seen, one
 * at a time: two changes of different members at once both last.
 */
import { Context, Effect, Layer, PubSub, Ref, Result, Schema, Semaphore, Stream } from "effect"
import type { UpstreamId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"
import type { ConfigFile } from "./ConfigFile.ts"
import { type Fault, formatPath, nearestKey } from "./ConfigError.ts"
import { Group, type HotSection, hotSections, type HotSettings } from "./HotSettings.ts"
import type { Json } from "./Jsonc.ts"
import * as Overlay from "./SettingsOverlay.ts"
import type { IgnoredSetting, Origin, SectionView } from "./SettingsOverlay.ts"
import { SettingsStore } from "./SettingsStore.ts"
import * as SettingsStoreMemory from "./SettingsStoreMemory.ts"

/** A change that is not valid. Nothing was changed. */
export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", {
  /** The section, e.g. `pool`. */
  section: Schema.String,
  /** Path of the member inside the section, e.g. `queueTimeout`; empty for the section as a whole. */
  field: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.field === "" ? this.section : this.field}: ${this.reason}`
  }
}

/** A group as an operator sees it; its password is masked. */
export interface GroupView {
  readonly group: typeof Group.Encoded
  readonly origin: Exclude<Origin, "default">
}

export class RuntimeSettings extends Context.Service<
  RuntimeSettings,
  {
    /** The settings of this moment. Costs one read; for the hot path. */
    readonly current: () => HotSettings
    /** The upstreams of the configuration, in its order. They stay as they are while it runs. */
    readonly upstreams: ReadonlyArray<UpstreamId>
    /** The settings of this moment, then those after each change; a slow listener sees the newest only. */
    readonly changes: Stream.Stream<HotSettings>
    /** A section as it was written, with the origin of each member. */
    readonly section: (section: HotSection) => Effect.Effect<SectionView>
    /** Stores the members of a partial value; the others stay. Fails naming the member, then nothing has changed. */
    readonly update: (section: HotSection, partial: unknown) => Effect.Effect<SectionView, SettingsError | StorageError>
    /** Returns a member to the file's value, or the default. Fails where the section has no such member. */
    readonly remove: (section: HotSection, member: string) => Effect.Effect<SectionView, SettingsError | StorageError>
    readonly groups: Effect.Effect<ReadonlyArray<GroupView>>
    /**
     * Adds a group `{ "id", "proxy"? }` or changes the one of that id; tells all groups. What is left out stays; user
     * name and password stay only with the address they belong to, and are cleared by null or an empty text.
     */
    readonly putGroup: (group: unknown) => Effect.Effect<ReadonlyArray<GroupView>, SettingsError | StorageError>
    /** Deletes a group, also one of the file's, until it is put or restored. No failure where there is none. */
    readonly deleteGroup: (id: string) => Effect.Effect<ReadonlyArray<GroupView>, SettingsError | StorageError>
    /** Returns a group to what the file says, which may be that there is none. */
    readonly restoreGroup: (id: string) => Effect.Effect<ReadonlyArray<GroupView>, SettingsError | StorageError>
    /** Stored values that no longer fit. They are not used; a change of the same member replaces them. */
    readonly ignored: Effect.Effect<ReadonlyArray<IgnoredSetting>>
  }
>()("weir/config/RuntimeSettings") {
  /** The file's settings with the stored ones over them. */
  static readonly layer = (file: ConfigFile): Layer.Layer<RuntimeSettings, StorageError, SettingsStore> =>
    Layer.effect(RuntimeSettings, make(file))

  /** The same with a store that lives as long as the layer. */
  static readonly layerMemory = (file: ConfigFile): Layer.Layer<RuntimeSettings> =>
    RuntimeSettings.layer(file).pipe(Layer.provide(SettingsStoreMemory.layer()), Layer.orDie)
}

interface State {
  readonly overlay: Overlay.Overlay
  readonly settings: HotSettings
  readonly ignored: ReadonlyArray<IgnoredSetting>
}

/** Members of one section to store, or, where undefined, to remove from the store. */
interface Change {
  readonly section: string
  readonly members: ReadonlyMap<string, Json | undefined>
}

const make = Effect.fnUntraced(function* (
  file: ConfigFile
): Effect.fn.Return<RuntimeSettings["Service"], StorageError, SettingsStore> {
  const store = yield* SettingsStore
  const loaded = Overlay.load(file, yield* store.load)
  for (const { member, reason, section } of loaded.ignored) {
    yield* Effect.logWarning(`The stored setting ${section}.${member} no longer fits and is not used: ${reason}`)
  }
  const initial = Result.getOrElse(Overlay.settle(file, loaded.overlay), (): HotSettings => file.config)
  const state = yield* Ref.make<State>({ ...loaded, settings: initial })
  const published = yield* PubSub.sliding<HotSettings>({ capacity: 1, replay: 1 })
  yield* PubSub.publish(published, initial)
  const writer = yield* Semaphore.make(1)

  const write = ({ members, section }: Change) => {
    const rows = [...members].flatMap(([member, value]) => (value === undefined ? [] : [{ section, member, value }]))
    const gone = [...members].flatMap(([member, value]) => (value === undefined ? [member] : []))
    const save = rows.length === 0 ? Effect.void : store.save(rows)
    return Effect.andThen(
      save,
      Effect.forEach(gone, (member) => store.remove(section, member), { discard: true })
    )
  }

  /** Decides on the newest state, stores, then publishes; whoever is interrupted meanwhile leaves none of it half done. */
  const change = (
    decide: (before: State) => Result.Result<Change, SettingsError>
  ): Effect.Effect<State, SettingsError | StorageError> =>
    Effect.gen(function* () {
      const before = yield* Ref.get(state)
      const decided = yield* Effect.fromResult(decide(before))
      const overlay = Overlay.withMembers(before.overlay, decided.section, decided.members)
      const settings = yield* Effect.fromResult(Result.mapError(Overlay.settle(file, overlay), errorOf))
      yield* write(decided)
      const ignored = before.ignored.filter(
        (row) => row.section !== decided.section || !decided.members.has(row.member)
      )
      const after: State = { overlay, settings, ignored }
      yield* Ref.set(state, after)
      yield* PubSub.publish(published, settings)
      return after
    }).pipe(Effect.uninterruptible, writer.withPermit)

  const changeGroup = (id: string, decide: (before: State) => Json | undefined) =>
    change((before) =>
      Result.succeed({ section: Overlay.groupSection, members: new Map([[id, decide(before)]]) })
    ).pipe(Effect.map(groupViews))
  const view =
    (section: HotSection) =>
    ({ overlay }: State) =>
      Overlay.viewOf(file, overlay, section)

  return RuntimeSettings.of({
    current: () => Ref.getUnsafe(state).settings,
    upstreams: file.config.upstreams.map(({ id }) => id),
    changes: Stream.fromPubSub(published),
    ignored: Effect.map(Ref.get(state), ({ ignored }) => ignored),
    section: (section) => Effect.map(Ref.get(state), view(section)),
    update: Effect.fn("RuntimeSettings.update")((section, partial) =>
      change(() =>
        Overlay.membersOf(section, partial).pipe(
          Result.map((members) => ({ section, members })),
          Result.mapError(errorOf)
        )
      ).pipe(Effect.map(view(section)))
    ),
    remove: Effect.fn("RuntimeSettings.remove")((section, member) =>
      change(() =>
        Overlay.isMember(section, member)
          ? Result.succeed({ section, members: new Map([[member, undefined]]) })
          : Result.fail(unknownMember(section, member))
      ).pipe(Effect.map(view(section)))
    ),
    groups: Effect.map(Ref.get(state), groupViews),
    putGroup: Effect.fn("RuntimeSettings.putGroup")((update) =>
      Effect.flatMap(Effect.fromResult(readGroup(update)), ({ id, members }) =>
        changeGroup(id, ({ settings }) =>
          Overlay.mergeGroup(
            settings.groups.find((group) => group.id === id),
            members
          )
        )
      )
    ),
    deleteGroup: Effect.fn("RuntimeSettings.deleteGroup")((id) =>
      changeGroup(id, () => (file.config.groups.some((group) => group.id === id) ? null : undefined))
    ),
    restoreGroup: Effect.fn("RuntimeSettings.restoreGroup")((id) => changeGroup(id, () => undefined))
  })
})

const encodeGroup = Schema.encodeSync(Group)

const groupViews = ({ overlay, settings }: State): ReadonlyArray<GroupView> =>
  settings.groups.map((group) => ({
    group: encodeGroup(group),
    origin: overlay.get(Overlay.groupSection)?.has(group.id) === true ? "stored" : "file"
  }))

const readGroup = (update: unknown) => {
  const members = Overlay.jsonObject(update)
  const id = members?.["id"]
  return members === undefined || typeof id !== "string"
    ? Result.fail(
        new SettingsError({ section: Overlay.groupSection, field: "id", reason: "expected the group's name" })
      )
    : Result.succeed({ id, members })
}

/** A fault's path starts with the section; a group's place in the list says nothing to who changed one group. */
const errorOf = ({ path: [section, ...rest], reason }: Fault): SettingsError =>
  new SettingsError({
    section: String(section),
    field: formatPath(section === Overlay.groupSection ? rest.slice(1) : rest),
    reason
  })

const unknownMember = (section: HotSection, member: string): SettingsError => {
  const nearest = nearestKey(member, Object.keys(hotSections[section].fields))
  const hint = nearest === undefined ? "" : `; the nearest known key is "${nearest}"`
  return new SettingsError({ section, field: formatPath([member]), reason: `is not a known key${hint}` })
}
