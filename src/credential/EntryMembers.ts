/**
 * EntryMembers: the members of one entry of a credential file, whatever program wrote it. Pure.
 *
 * Names are read in camelCase and snake_case; members of the objects in which some programs nest an account stand beside
 * its own, which win. Only names that are known are kept. A problem names the member, never its value.
 *
 * **Source:** `credentials.json` of kiro.rs; the token file and client registration that Kiro's sign-in leaves; the
 * exports of account managers.
 */
import { DateTime, Option, Predicate, Redacted, Result } from "effect"
import { isRegion } from "../config/Region.ts"
import { forLog } from "../telemetry/Redaction.ts"

/** The members of an entry that are read. */
const names = (
  "accessToken refreshToken kiroApiKey expiresAt authMethod provider profileArn " +
  "clientId clientSecret clientIdHash tokenEndpoint issuerUrl scopes audience " +
  "kind upstream apiKey authToken " +
  "region authRegion apiRegion priority group disabled endpoint proxyUrl proxyUsername proxyPassword email label subscriptionTitle"
).split(" ")
const known: ReadonlySet<string> = new Set(names)

/** Other programs' names. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["idp", "provider"],
  ["loginProvider", "provider"],
  ["nickname", "label"]
])

/** Objects in which members of the account may be nested, and which of theirs are the account's. */
const nests: ReadonlyArray<{ readonly name: string; readonly gives: ReadonlySet<string> }> = [
  { name: "credentials", gives: known },
  { name: "kiroAuthTokenRaw", gives: known },
  // Its `expiresAt` is the registration's.
  { name: "clientRegistration", gives: new Set(["clientId", "clientSecret", "clientIdHash"]) },
  { name: "kiroProfileRaw", gives: new Set(["profileArn", "arn", "email"]) }
]

/** By camelCase name; a member that is null or blank is as good as absent and not here. */
export type EntryMembers = ReadonlyMap<string, unknown>

/** An entry's members, its own before those nested in it; null where it is not an object. */
export const membersOf = (entry: unknown): EntryMembers | null => {
  if (!Predicate.isReadonlyObject(entry)) return null
  const own = camelCased(entry)
  const found = new Map<string, unknown>()
  take(found, own, known)
  for (const { name, gives } of nests) {
    const inner = own.get(name)
    if (Predicate.isReadonlyObject(inner)) take(found, camelCased(inner), gives)
  }
  return found
}

/** The member, or what is wrong with it; absent: null. */
export type Read<A> = Result.Result<A | null, string>

/** Longest technical text, and longest secret. Characters. */
const longestText = 2048
export const longestSecret = 16_384

/** What may stand in a header as it is: printable ASCII without spaces. */
export const headerText = /^[\x21-\x7e]+$/u

/** A text that goes into calls: printable ASCII. */
export const textOf = (members: EntryMembers, name: string): Read<string> => {
  const value = members.get(name)
  if (value === undefined) return Result.succeed(null)
  if (typeof value !== "string") return Result.fail(`${name} must be a string`)
  const text = value.trim()
  if (text.length > longestText) return Result.fail(`${name} is longer than ${longestText} characters`)
  return /^[\x20-\x7e]*$/u.test(text) ? Result.succeed(text) : Result.fail(`${name} must be printable ASCII`)
}

/** A token, a key or a client's secret: printable ASCII without spaces, as it may stand in a header. */
export const secretOf = (members: EntryMembers, name: string): Read<Redacted.Redacted> => {
  const value = members.get(name)
  if (value === undefined) return Result.succeed(null)
  if (typeof value !== "string") return Result.fail(`${name} must be a string`)
  const secret = value.trim()
  if (secret.length > longestSecret) return Result.fail(`${name} is longer than ${longestSecret} characters`)
  return /^[\x21-\x7e]*$/u.test(secret)
    ? Result.succeed(Redacted.make(secret))
    : Result.fail(`${name} must be printable ASCII without spaces`)
}

/** A text that is only shown; anything else than a text is as good as absent. */
export const shownOf = (members: EntryMembers, name: string): string | null => {
  const value = members.get(name)
  return typeof value === "string" ? forLog(value.trim()) : null
}

/** An AWS region. */
export const regionOf = (members: EntryMembers, name: string): Read<string> =>
  Result.flatMap(textOf(members, name), (region) =>
    region === null || isRegion(region)
      ? Result.succeed(region)
      : Result.fail(`${name} must be a region such as "us-east-1"`)
  )

/** The ARN of a profile. Calls go to the region in it, so that must be one. */
export const arnOf = (members: EntryMembers, name: string): Read<string> =>
  Result.flatMap(textOf(members, name), (arn) => {
    if (arn === null) return Result.succeed(null)
    const parts = arn.split(":")
    return parts[0] === "arn" && parts.length >= 6 && isRegion(parts[3] ?? "")
      ? Result.succeed(arn)
      : Result.fail(`${name} must be an ARN whose fourth part is a region such as "us-east-1"`)
  })

/** Priorities are kept in this range, as the admin API takes them. */
const furthest = 1_000_000

export const priorityOf = (members: EntryMembers, name: string): Read<number> => {
  const value = members.get(name)
  if (value === undefined) return Result.succeed(null)
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= furthest
    ? Result.succeed(value)
    : Result.fail(`${name} must be a whole number from ${-furthest} to ${furthest}`)
}

export const flagOf = (members: EntryMembers, name: string): Read<boolean> => {
  const value = members.get(name)
  if (value === undefined) return Result.succeed(null)
  return typeof value === "boolean" ? Result.succeed(value) : Result.fail(`${name} must be true or false`)
}

/** Unix times below this are seconds: as milliseconds it is March 1973, as seconds the year 5138. */
const millisecondsFrom = 1e11
const rfc3339 = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/u

/** A time in RFC 3339, or unix seconds or milliseconds. One that cannot be read is as good as absent. */
export const timeOf = (members: EntryMembers, name: string): DateTime.Utc | null => {
  const value = members.get(name)
  const text = typeof value === "string" ? value.trim().toUpperCase() : ""
  if (rfc3339.test(text)) return Option.getOrNull(DateTime.make(text.replace(" ", "T")))
  const number = /^\d{1,16}(\.\d+)?$/u.test(text) ? Number(text) : value
  if (typeof number !== "number" || !(number > 0)) return null
  return Option.getOrNull(DateTime.make(number < millisecondsFrom ? number * 1000 : number))
}

const take = (found: Map<string, unknown>, members: EntryMembers, gives: ReadonlySet<string>): void => {
  for (const [name, value] of members) {
    if (!gives.has(name)) continue
    const target = name === "arn" ? "profileArn" : name
    if (!found.has(target)) found.set(target, value)
  }
}

const ofInterest: ReadonlySet<string> = new Set([...names, "arn", ...nests.map(({ name }) => name)])

/** A name in camelCase counts before one that only becomes it. */
const camelCased = (entry: object): Map<string, unknown> => {
  const found = new Map<string, unknown>()
  const rewritten = new Map<string, unknown>()
  for (const [name, value] of Object.entries(entry)) {
    if (value === null || (typeof value === "string" && value.trim() === "")) continue
    const camel = name.length > 64 ? name : name.replace(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase())
    const target = aliases.get(camel) ?? camel
    if (ofInterest.has(target)) (target === name ? found : rewritten).set(target, value)
  }
  for (const [name, value] of rewritten) if (!found.has(name)) found.set(name, value)
  return found
}
