/**
 * ClientRegistrations: the client id and secret that a sign-in through IAM Identity Center needs, where a file keeps them
 * apart from the tokens. Pure.
 *
 * **Source:** Kiro leaves two files after such a sign-in: the tokens with a `clientIdHash`, and under that name the
 * registration `{ clientId, clientSecret, expiresAt }`.
 */
import { Result } from "effect"
import { namedMethod } from "./CredentialEntry.ts"
import type { EntryMembers } from "./EntryMembers.ts"

/** Whether an entry is a registration and nothing else. */
export const isRegistration = (members: EntryMembers): boolean =>
  members.has("clientId") &&
  members.has("clientSecret") &&
  !["accessToken", "refreshToken", "kiroApiKey", "authMethod", "apiKey", "authToken"].some((name) => members.has(name))

/** The registrations of one file. */
export class ClientRegistrations {
  readonly #byHash = new Map<unknown, EntryMembers>()
  readonly #byClient = new Map<unknown, EntryMembers>()
  readonly #used = new Set<unknown>()
  /** Whether the file holds one credential, to which a registration must then belong. */
  readonly #oneCredential: boolean

  constructor(registrations: Iterable<EntryMembers>, credentials: number) {
    for (const registration of registrations) {
      this.#byClient.set(registration.get("clientId"), registration)
      const hash = registration.get("clientIdHash")
      if (hash !== undefined) this.#byHash.set(hash, registration)
    }
    this.#oneCredential = credentials === 1
  }

  /** The entry with the members of its registration: the one it names, else the only one there is. Its own win. */
  complete(entry: EntryMembers): EntryMembers {
    const registration = this.#registrationOf(entry)
    if (registration === undefined) return entry
    this.#used.add(registration.get("clientId"))
    return new Map([
      ...entry,
      ["clientId", registration.get("clientId")],
      ["clientSecret", entry.get("clientSecret") ?? registration.get("clientSecret")]
    ])
  }

  /** Whether an entry was completed by this one. */
  isUsed(registration: EntryMembers): boolean {
    return this.#used.has(registration.get("clientId"))
  }

  #registrationOf(entry: EntryMembers): EntryMembers | undefined {
    const method = Result.getOrElse(namedMethod(entry), () => "unknown" as const)
    if (method !== null && method !== "idc") return undefined
    const [clientId, hash] = [entry.get("clientId"), entry.get("clientIdHash")]
    if (clientId !== undefined) return this.#byClient.get(clientId)
    const named = this.#byHash.get(hash)
    if (named !== undefined) return named
    const [only] = this.#byClient.values()
    if (only === undefined || this.#byClient.size > 1) return undefined
    if (hash !== undefined && only.has("clientIdHash")) return undefined
    return method === "idc" || hash !== undefined || this.#oneCredential ? only : undefined
  }
}
