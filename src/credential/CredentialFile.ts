/**
 * CredentialFile: a file of credentials, or the same as a request's body, becomes rows: credentials that only lack an id,
 * and sentences about the others. Pure.
 *
 * Read are: one object or a list; a list under one of the names that exports use; `credentials.json` of kiro.rs; the
 * token file and the client registration that Kiro's own sign-in leaves; keys of Anthropic's API. Of kiro.rs's `config.json` each setting is
 * named. Secrets become `Redacted` here, and no row says anything of their value.
 *
 * Bounded: 16 Mi characters, 100,000 entries, objects and lists 16 deep. Past that there is one row, number 0, that says
 * so.
 */
import { Option, Predicate, Result, Schema } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import { holdsKey, isAnthropicEntry } from "./AnthropicEntry.ts"
import { ClientRegistrations, isRegistration } from "./ClientRegistrations.ts"
import { type CredentialDraft, type EntryOptions, fingerprintOf, parseEntry } from "./CredentialEntry.ts"
import type { ImportedCredential } from "./CredentialStore.ts"
import { type EntryMembers, membersOf } from "./EntryMembers.ts"
import { isKiroRsConfig, notTakenOver } from "./KiroRsConfig.ts"

/** An entry that is a credential. */
export interface CredentialRow {
  /** The entry's place in the file, from 1. */
  readonly row: number
  readonly kind: "credential"
  readonly draft: CredentialDraft
  /** See `ImportedCredential`. */
  readonly fingerprint: string
  /** Whether the file says that it is not to be used. */
  readonly disabled: boolean
  /** What of the entry was not taken over; null: nothing. */
  readonly note: string | null
}

/** An entry with the same secret as an earlier one. */
export interface DuplicateRow {
  readonly row: number
  readonly kind: "duplicate"
  /** The earlier one's number. */
  readonly of: number
  readonly message: string
}

/** An entry that is refused, or with number 0 the whole file. */
export interface InvalidRow {
  readonly row: number
  readonly kind: "invalid"
  readonly message: string
}

/** What came of one entry. A client registration that completed an entry has no row. */
export type Row = CredentialRow | DuplicateRow | InvalidRow

/** Longest text. Characters. */
const longest = 16 * 1024 * 1024
/** Most entries. */
const most = 100_000
/** How deep objects and lists may stand in each other. */
const deepest = 16

/** Names under which exports keep their list. */
const wrappers = ["accounts", "credentials", "data", "items", "list", "users", "records"]

/** The entries of a file; null in the place of one that is no object. */
export type Entries = ReadonlyArray<EntryMembers | null>

/** Reads the text of a file, or the JSON of a request's body. A blank text holds no credentials. */
export const parseCredentialFile = (input: unknown, options: EntryOptions): ReadonlyArray<Row> =>
  Result.match(entriesIn(input), {
    onFailure: (rows) => rows,
    onSuccess: (entries) => parseEntries(entries, options)
  })

/** The entries of such an input, or the rows that say why there are none. */
export const entriesIn = (input: unknown): Result.Result<Entries, ReadonlyArray<Row>> => {
  if (typeof input !== "string") return entriesOfRoot(input)
  if (input.length > longest) return Result.fail(whole(`is longer than ${longest} characters`))
  const text = input.replace(/^\uFEFF/u, "")
  if (text.trim() === "") return Result.succeed([])
  return Option.match(parseJson(text), {
    onNone: () => Result.fail(whole("is not valid JSON")),
    onSome: entriesOfRoot
  })
}

/** The row's credential under an id. */
export const withId = (
  { draft, fingerprint }: Pick<CredentialRow, "draft" | "fingerprint">,
  id: CredentialId
): ImportedCredential => ({
  credential: { ...draft, id },
  fingerprint
})

const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const invalid = (row: number, message: string): InvalidRow => ({ row, kind: "invalid", message })
const whole = (message: string): ReadonlyArray<Row> => [invalid(0, `the file ${message}`)]

const entriesOfRoot = (root: unknown): Result.Result<Entries, ReadonlyArray<Row>> => {
  if (isDeeper(root, deepest)) {
    return Result.fail(whole(`has objects and lists that stand more than ${deepest} deep`))
  }
  if (!Array.isArray(root) && !Predicate.isReadonlyObject(root)) {
    return Result.fail(whole("must hold an object or a list"))
  }
  const entries = entriesOf(root)
  if (entries === null) return Result.fail(notTakenOver(root).map((message, index) => invalid(index + 1, message)))
  return entries.length > most
    ? Result.fail(whole(`has more than ${most} entries`))
    : Result.succeed(entries.map(membersOf))
}

/** The entries of a file; null: it is kiro.rs's configuration. */
const entriesOf = (root: object): ReadonlyArray<unknown> | null => {
  if (Array.isArray(root)) return root
  const members = membersOf(root)
  if (members?.has("refreshToken") === true || members?.has("kiroApiKey") === true) return [root]
  if (members !== null && isAnthropicEntry(members) && holdsKey(members)) {
    // Of kiro.rs's configuration `apiKey` is what its clients present, whatever it looks like.
    if (members.has("kind") || !isKiroRsConfig(root, "apiKey")) return [root]
  }
  const inside = wrappers.flatMap((name) => (Object.hasOwn(root, name) ? [[name, valueAt(root, name)] as const] : []))
  const lists = inside.flatMap(([, value]) => (Array.isArray(value) ? [value] : []))
  if (lists.length > 0) return lists.flat()
  if (isKiroRsConfig(root)) return null
  const [inner] = inside.flatMap(([, value]) => (Predicate.isReadonlyObject(value) ? [value] : []))
  return inner === undefined ? [root] : entriesOf(inner)
}

const valueAt = (root: object, name: string): unknown => (Predicate.hasProperty(root, name) ? root[name] : undefined)

/** What came of the entries. */
export const parseEntries = (read: Entries, options: EntryOptions): ReadonlyArray<Row> => {
  const [registrations, others] = [
    read.filter(isRegistrationEntry),
    read.filter((entry) => !isRegistrationEntry(entry))
  ]
  const known = new ClientRegistrations(registrations, others.length)
  const completed = read.map((entry) => (entry === null || isRegistration(entry) ? entry : known.complete(entry)))
  const seen = new Map<string, number>()
  return completed.flatMap((entry, index): ReadonlyArray<Row> => {
    const row = index + 1
    if (entry === null) return [invalid(row, "must be an object")]
    if (isRegistrationEntry(entry)) {
      return known.isUsed(entry) ? [] : [invalid(row, "is a client registration that no credential here belongs to")]
    }
    return [
      Result.match(parseEntry(entry, options), {
        onFailure: (problem) => invalid(row, problem),
        onSuccess: ({ disabled, draft, notes }): Row => {
          const fingerprint = fingerprintOf(draft)
          const of = seen.get(fingerprint)
          if (of !== undefined) return { row, kind: "duplicate", of, message: `is the same as row ${of}` }
          seen.set(fingerprint, row)
          return { row, kind: "credential", draft, fingerprint, disabled, note: notes.join("; ") || null }
        }
      })
    ]
  })
}

const isRegistrationEntry = (entry: EntryMembers | null): entry is EntryMembers =>
  entry !== null && isRegistration(entry)

/** Looks no deeper than it must. */
const isDeeper = (value: unknown, levels: number): boolean => {
  if (!Predicate.isObjectKeyword(value)) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}
