/**
 * AnthropicEntry: an entry of a credential file that holds a key of Anthropic's API, or a bearer token for it. Pure.
 *
 * The secret stands in the entry itself or, as `env:NAME`, in the environment; only entries of the operator's own files
 * may say the latter. A problem names the member and the variable, never a value.
 *
 * **Source:** Anthropic's API takes `x-api-key` or `Authorization: Bearer`; its keys begin with `sk-ant-`.
 */
import { Redacted, Result } from "effect"
import { isReference, referenced } from "../config/Environment.ts"
import type { AnthropicCredential } from "../message/Credential.ts"
import { type EntryMembers, headerText, longestSecret } from "./EntryMembers.ts"

/** What variables of the environment hold, by name; those that are not set are not in it. Null: it may not be read. */
export type EntryEnvironment = ReadonlyMap<string, string> | null

/** The members that hold a secret, and how it is then presented. */
const schemes = [
  { member: "apiKey", scheme: "api_key" },
  { member: "authToken", scheme: "bearer" }
] as const

/** Members that only credentials of other kinds have. */
const foreign = ["accessToken", "refreshToken", "kiroApiKey", "authMethod"]

/** Whether an entry is such a key: it says so, or says nothing of its kind and holds what only Anthropic gives out. */
export const isAnthropicEntry = (members: EntryMembers): boolean => {
  const kind = members.get("kind")
  if (kind !== undefined) return typeof kind === "string" && kind.trim().toLowerCase() === "anthropic"
  const key = members.get("apiKey")
  return typeof key === "string" && key.startsWith("sk-ant-") && !foreign.some((name) => members.has(name))
}

/** Whether it has a member in which such a key would stand. */
export const holdsKey = (members: EntryMembers): boolean => schemes.some(({ member }) => members.has(member))

/** The key of an entry and how it is presented, or what is wrong. */
export const keyOf = (
  members: EntryMembers,
  environment: EntryEnvironment
): Result.Result<Pick<AnthropicCredential, "scheme" | "secret">, string> => {
  const [only, ...others] = schemes.filter(({ member }) => members.has(member))
  return only === undefined || others.length > 0
    ? Result.fail("must have exactly one of apiKey and authToken")
    : Result.map(secretIn(members.get(only.member), only.member, environment), (secret) => ({
        scheme: only.scheme,
        secret
      }))
}

/** The variables that keys of these entries stand in. */
export const variablesOf = (entries: ReadonlyArray<EntryMembers | null>): ReadonlyArray<string> => {
  const names = entries.flatMap((entry) =>
    entry === null || !isAnthropicEntry(entry)
      ? []
      : schemes.flatMap(({ member }) => {
          const value = entry.get(member)
          return typeof value === "string" ? (referenced(value) ?? []) : []
        })
  )
  return [...new Set(names)]
}

const secretIn = (
  value: unknown,
  member: string,
  environment: EntryEnvironment
): Result.Result<Redacted.Redacted, string> => {
  if (typeof value !== "string") return Result.fail(`${member} must be a string`)
  if (!isReference(value)) return presentable(value, member)
  if (environment === null) {
    return Result.fail(
      `${member}: the environment is read for files on the gateway's own machine only; write the secret itself`
    )
  }
  const name = referenced(value)
  if (name === null) return Result.fail(`${member}: "env:" must be followed by the name of an environment variable`)
  const held = environment.get(name)
  return held === undefined
    ? Result.fail(`${member}: the environment variable ${name} is not set, or is empty`)
    : presentable(held, `${member}: the environment variable ${name}`)
}

/** As it stands, so that nothing is sent that is not what was written. */
const presentable = (text: string, what: string): Result.Result<Redacted.Redacted, string> => {
  if (text.length > longestSecret) return Result.fail(`${what} is longer than ${longestSecret} characters`)
  return headerText.test(text)
    ? Result.succeed(Redacted.make(text))
    : Result.fail(`${what} must be printable ASCII without spaces`)
}
