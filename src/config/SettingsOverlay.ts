/**
 * SettingsOverlay: what an operator stored, laid over what the file says. Pure.
 *
 * Everything stays as written until one schema reads it all: a change is valid if, and only if, a file that says the
 * same would be.
 */
import { Predicate, Redacted, Result, Schema } from "effect"
import type { ConfigFile, WrittenSection } from "./ConfigFile.ts"
import { type Fault, faultOf } from "./ConfigError.ts"
import { defaultOf } from "./ConfigMember.ts"
import { unknownRoute } from "./GatewayConfig.ts"
import { type Group, Groups, type HotSection, hotSections, type HotSettings } from "./HotSettings.ts"
import type { Json } from "./Jsonc.ts"
import { masked } from "./Secret.ts"
import type { StoredSetting } from "./SettingsStore.ts"

/** Where a value comes from. */
export type Origin = "default" | "file" | "stored"

/** A section as an operator sees it: each member's value as it was written, and who wrote it. */
export interface SectionView {
  readonly value: WrittenSection
  readonly origin: { readonly [member: string]: Origin }
}

/** What is stored: section → member → value. A group's value is null where the group is deleted. */
export type Overlay = ReadonlyMap<string, ReadonlyMap<string, Json>>

/** A stored value that no longer fits; it stays in the store and is not used. */
export interface IgnoredSetting {
  readonly section: string
  readonly member: string
  readonly reason: string
}

/** The overlay without anything stored. */
export const empty: Overlay = new Map()

/** The section under which groups are stored, each as a member. */
export const groupSection = "groups"

/** The overlay with some members set, or, where undefined, taken out. */
export const withMembers = (
  overlay: Overlay,
  section: string,
  members: Iterable<readonly [string, Json | undefined]>
): Overlay => {
  const merged = new Map(overlay.get(section))
  for (const [member, value] of members) {
    if (value === undefined) merged.delete(member)
    else merged.set(member, value)
  }
  return new Map(overlay).set(section, merged)
}

/** The settings that come of it, or the first fault; its path starts with the section. */
export const settle = (file: ConfigFile, overlay: Overlay): Result.Result<HotSettings, Fault> => {
  const section = (name: HotSection) => ({ ...file.written[name], ...Object.fromEntries(overlay.get(name) ?? []) })
  const written = {
    pool: section("pool"),
    retry: section("retry"),
    cooldown: section("cooldown"),
    cache: section("cache"),
    models: section("models"),
    systemPrompt: section("systemPrompt"),
    groups: writtenGroups(file, overlay)
  }
  const decoded = decode(written, { onExcessProperty: "error" })
  if (Result.isFailure(decoded)) return Result.fail(faultOf(decoded.failure.issue))
  const route = unknownRoute(decoded.success.models, file.config.upstreams)
  return route === undefined
    ? Result.succeed(decoded.success)
    : Result.fail({ path: ["models", ...route.path], reason: route.issue })
}

/** Takes what the store holds. What does not fit is left out, with the reason. */
export const load = (
  file: ConfigFile,
  rows: ReadonlyArray<StoredSetting>
): { readonly overlay: Overlay; readonly ignored: ReadonlyArray<IgnoredSetting> } => {
  const ignored: Array<IgnoredSetting> = []
  const known: Array<readonly [StoredSetting, Json]> = []
  for (const row of rows) {
    const section = row.section === groupSection || Object.hasOwn(hotSections, row.section)
    if (!section) ignored.push({ section: row.section, member: row.member, reason: "is no section of the settings" })
    else if (!isJson(row.value)) ignored.push({ section: row.section, member: row.member, reason: "is not JSON" })
    else known.push([row, row.value])
  }
  const all = known.reduce((overlay, [row, value]) => withMembers(overlay, row.section, [[row.member, value]]), empty)
  if (Result.isSuccess(settle(file, all))) return { overlay: all, ignored }
  let overlay = empty
  for (const [{ member, section }, value] of known) {
    const next = withMembers(overlay, section, [[member, value]])
    const settled = settle(file, next)
    if (Result.isSuccess(settled)) overlay = next
    else ignored.push({ section, member, reason: settled.failure.reason })
  }
  return { overlay, ignored }
}

/** A partial update of a section, as members to store. `perceivedCacheHitRatio` is kiro.rs's name of a member. */
export const membersOf = (section: HotSection, update: unknown): Result.Result<ReadonlyMap<string, Json>, Fault> => {
  const given = jsonObject(update)
  if (given === undefined) return Result.fail({ path: [section], reason: "expected an object" })
  const members = new Map(Object.entries(given))
  const ratio = members.get(foreignRatio)
  if (section !== "cache" || ratio === undefined) return Result.succeed(members)
  if (members.has("reportedReadRatio")) {
    return Result.fail({
      path: [section, foreignRatio],
      reason: "is another name of reportedReadRatio; give one of the two"
    })
  }
  members.delete(foreignRatio)
  return Result.succeed(members.set("reportedReadRatio", ratio))
}

/** A section with the origin of each member. */
export const viewOf = (file: ConfigFile, overlay: Overlay, section: HotSection): SectionView => {
  const stored = overlay.get(section)
  const written = file.written[section]
  const rows = Object.entries(hotSections[section].fields).map(([member, field]) => {
    const value = stored?.get(member)
    if (value !== undefined) return { member, value, origin: "stored" } as const
    const own = Object.hasOwn(written, member) ? written[member] : undefined
    if (own !== undefined) return { member, value: own, origin: "file" } as const
    const fallback = defaultOf(field)
    return { member, value: isJson(fallback) ? fallback : null, origin: "default" } as const
  })
  return {
    value: Object.fromEntries(rows.map(({ member, value }) => [member, value])),
    origin: Object.fromEntries(rows.map(({ member, origin }) => [member, origin]))
  }
}

/** Whether a section has this member. */
export const isMember = (section: HotSection, member: string): boolean =>
  Object.hasOwn(hotSections[section].fields, member)

/** Every group as the file would write it, secrets in plain: for the schema and for the store only. */
export const writtenGroups = (file: ConfigFile, overlay: Overlay): ReadonlyArray<Json> => {
  const stored = overlay.get(groupSection) ?? new Map<string, Json>()
  const own = file.config.groups.flatMap((group): ReadonlyArray<Json> => {
    const value = stored.get(group.id)
    return value === undefined ? [writtenGroup(group)] : value === null ? [] : [named(group.id, value)]
  })
  const more = [...stored].flatMap(([id, value]): ReadonlyArray<Json> =>
    value === null || file.config.groups.some((group) => group.id === id) ? [] : [named(id, value)]
  )
  return [...own, ...more]
}

/**
 * An added or changed group as it is stored. What an update leaves out stays as it is; user name and password stay only
 * with the address they belong to, and are cleared by null or an empty text.
 */
export const mergeGroup = (
  existing: Group | undefined,
  update: { readonly [member: string]: Json }
): { readonly [member: string]: Json } => {
  const before: WrittenProxy = existing === undefined ? { url: "direct" } : writtenProxy(existing.proxy)
  const { proxy } = update
  if (proxy === undefined) return { proxy: before, ...update }
  if (!isObject(proxy)) return update
  const url = proxy["url"] ?? before.url
  const kept: Partial<WrittenProxy> = url === before.url ? before : {}
  const merged = Object.entries({ ...kept, ...proxy, url }).flatMap(
    ([key, value]): ReadonlyArray<readonly [string, Json]> => {
      if (key === "password" && value === masked) return kept.password === undefined ? [] : [[key, kept.password]]
      return (key === "username" || key === "password") && (value === null || value === "") ? [] : [[key, value]]
    }
  )
  return { ...update, proxy: Object.fromEntries(merged) }
}

/** The value, if it is a JSON object. */
export const jsonObject = (value: unknown): { readonly [member: string]: Json } | undefined =>
  isJson(value) && isObject(value) ? value : undefined

const foreignRatio = "perceivedCacheHitRatio"

const decode = Schema.decodeUnknownResult(Schema.Struct({ ...hotSections, groups: Groups }))

const isJson = Schema.is(Schema.Json)

const isObject = (value: Json): value is { readonly [member: string]: Json } => Predicate.isObject(value)

const named = (id: string, value: Json): Json => (isObject(value) ? { ...value, id } : value)

const writtenGroup = (group: Group): Json => ({ id: group.id, proxy: writtenProxy(group.proxy) })

/** A type, not an interface: only that is a JSON object to the compiler. */
type WrittenProxy = {
  readonly url: string
  readonly username?: string
  readonly password?: string
}

const writtenProxy = (proxy: Group["proxy"]): WrittenProxy =>
  proxy.kind === "direct"
    ? { url: "direct" }
    : {
        url: proxy.url,
        ...(proxy.username === null ? {} : { username: proxy.username }),
        ...(proxy.password === null ? {} : { password: Redacted.value(proxy.password) })
      }
