/**
 * CredentialEntry: one entry of a credential file becomes a credential that only lacks its id, or a sentence that names
 * the member that is wrong. Pure.
 *
 * Entries are untrusted: what becomes part of a host name must be a region, and a refresh token is never taken for an
 * address that the operator did not allow. Members that a kind of credential has no use for are dropped.
 */
import { Redacted, Result, Schema } from "effect"
import { Group } from "../config/HotSettings.ts"
import { ProxySetting } from "../config/ProxySetting.ts"
import { trustedAddress } from "../config/TokenHost.ts"
import type { KiroUpstream, Upstream } from "../config/UpstreamSettings.ts"
import type { Credential, OAuthCredential } from "../message/Credential.ts"
import type { Egress } from "../message/Egress.ts"
import type { GroupId } from "../message/Ids.ts"
import { isWholeRefreshToken } from "../message/RefreshToken.ts"
import { sha256Hex } from "../message/Sha256.ts"
import { type EntryEnvironment, holdsKey, isAnthropicEntry, keyOf } from "./AnthropicEntry.ts"
import * as EntryMembers from "./EntryMembers.ts"
import { upstreamFor } from "./EntryUpstream.ts"

/** What an entry needs of its surroundings. */
export interface EntryOptions {
  /** The configured upstreams, in their order. A Kiro upstream also says where tokens may be refreshed. */
  readonly upstreams: ReadonlyArray<Upstream>
  /** What secrets may be read from; null for entries that are not the operator's own files. */
  readonly environment: EntryEnvironment
  /** Whether an entry may bring a proxy of its own. */
  readonly allowProxy: boolean
}

type WithoutId<C> = C extends Credential ? Omit<C, "id"> : never

/** A credential that only lacks its id. */
export type CredentialDraft = WithoutId<Credential>

/** What came of an entry. */
export interface Entry {
  readonly draft: CredentialDraft
  /** Whether the file says that it is not to be used. */
  readonly disabled: boolean
  /** What of the entry was not taken over, sentence by sentence. */
  readonly notes: ReadonlyArray<string>
}

/** Why a row is refused whose refresh token cannot be whole. */
const incomplete = "refreshToken looks incomplete; sign in again and import it anew"

/** Reads an entry. Fails with what is wrong with it. */
export const parseEntry = (members: EntryMembers.EntryMembers, options: EntryOptions): Result.Result<Entry, string> =>
  Result.gen(function* () {
    const kind = yield* kindOf(members)
    const group = groupOf(members)
    const proxy = yield* proxyOf(members, options.allowProxy)
    const common = {
      priority: (yield* EntryMembers.priorityOf(members, "priority")) ?? 0,
      label: EntryMembers.shownOf(members, "label") ?? EntryMembers.shownOf(members, "provider"),
      email: EntryMembers.shownOf(members, "email"),
      group: group.id,
      proxy: proxy.egress
    }
    const disabled = (yield* EntryMembers.flagOf(members, "disabled")) ?? false
    const notes = [
      ...group.notes,
      ...proxy.notes,
      ...endpointNotes(members),
      ...(disabled ? ["it is disabled in the file"] : [])
    ]
    const draft: CredentialDraft =
      kind === "anthropic"
        ? { ...common, ...(yield* anthropic(members, options)) }
        : { ...common, ...(yield* kiro(kind, members, options)) }
    return { draft, disabled, notes }
  })

/** The method that an entry names, in one spelling: null where it names none, else a sentence. */
export const namedMethod = (members: EntryMembers.EntryMembers): Result.Result<Credential["kind"] | null, string> => {
  if (isAnthropicEntry(members)) return Result.succeed("anthropic")
  if (members.has("kiroApiKey")) return Result.succeed("api_key")
  return Result.flatMap(EntryMembers.textOf(members, "authMethod"), (method) => {
    if (method === null) return Result.succeed(null)
    const kind = methods.get(method.toLowerCase().replace(/[-_ ]/gu, ""))
    return kind === undefined
      ? Result.fail("authMethod must be social, idc, external_idp or api_key")
      : Result.succeed(kind)
  })
}

/** By which a credential is recognised when it is imported again: SHA-256, hex, of its refresh token or key. */
export const fingerprintOf = (credential: CredentialDraft): string => {
  switch (credential.kind) {
    case "anthropic":
      return sha256Hex(`anthropic:${Redacted.value(credential.secret)}`)
    case "api_key":
      return sha256Hex(`api_key:${Redacted.value(credential.apiKey)}`)
    default:
      return sha256Hex(`refresh_token:${Redacted.value(credential.refreshToken)}`)
  }
}

/** Without case, dashes and underscores. */
const methods: ReadonlyMap<string, Credential["kind"]> = new Map([
  ["social", "social"],
  ["idc", "idc"],
  ["builderid", "idc"],
  ["iam", "idc"],
  ["apikey", "api_key"],
  ["externalidp", "external_idp"]
])

const kindOf = (members: EntryMembers.EntryMembers): Result.Result<Credential["kind"], string> =>
  Result.flatMap(namedMethod(members), (named) => {
    if (named !== null) return Result.succeed(named)
    if (!members.has("refreshToken")) {
      return Result.fail(
        holdsKey(members)
          ? 'must say "kind": "anthropic" to be used by its apiKey or authToken'
          : "holds neither refreshToken nor kiroApiKey"
      )
    }
    const provider = EntryMembers.shownOf(members, "provider")?.toLowerCase()
    if (members.has("tokenEndpoint") || members.has("issuerUrl") || provider === "externalidp") {
      return Result.succeed("external_idp")
    }
    const registered = members.has("clientId") && members.has("clientSecret")
    return Result.succeed(registered || members.has("clientIdHash") ? "idc" : "social")
  })

/** What Anthropic's API has no use for is dropped. */
const anthropic = (members: EntryMembers.EntryMembers, options: EntryOptions) =>
  Result.gen(function* () {
    const key = yield* keyOf(members, options.environment)
    const upstream = yield* upstreamFor(members, options.upstreams, "anthropic")
    const none = { apiRegion: null, profileArn: null, subscription: null }
    return { kind: "anthropic" as const, upstream: upstream.id, ...none, ...key }
  })

const kiro = (
  kind: Exclude<Credential["kind"], "anthropic">,
  members: EntryMembers.EntryMembers,
  { upstreams }: EntryOptions
) =>
  Result.gen(function* () {
    const upstream = yield* upstreamFor(members, upstreams, "kiro")
    const shared = {
      upstream: upstream.id,
      apiRegion: yield* EntryMembers.regionOf(members, "apiRegion"),
      profileArn: yield* EntryMembers.arnOf(members, "profileArn"),
      subscription: EntryMembers.shownOf(members, "subscriptionTitle")
    }
    return kind === "api_key"
      ? { kind, ...shared, apiKey: yield* required(members, "kiroApiKey", EntryMembers.secretOf) }
      : { ...shared, ...(yield* signedIn(kind, members, upstream)) }
  })

const signedIn = (kind: OAuthCredential["kind"], members: EntryMembers.EntryMembers, upstream: KiroUpstream) =>
  Result.gen(function* () {
    const refreshToken = yield* required(members, "refreshToken", EntryMembers.secretOf)
    if (!isWholeRefreshToken(Redacted.value(refreshToken), kind)) return yield* Result.fail(incomplete)
    const tokens = {
      accessToken: yield* EntryMembers.secretOf(members, "accessToken"),
      refreshToken,
      expiresAt: EntryMembers.timeOf(members, "expiresAt")
    }
    if (kind === "external_idp") return { kind, ...tokens, ...(yield* identityProvider(members, upstream)) }
    const named = yield* EntryMembers.regionOf(members, "authRegion")
    const older = yield* EntryMembers.regionOf(members, "region")
    const authRegion = named ?? older ?? upstream.region
    if (kind === "social") return { kind, ...tokens, authRegion }
    const clientId = yield* required(members, "clientId", EntryMembers.textOf)
    const clientSecret = yield* required(members, "clientSecret", EntryMembers.secretOf)
    return { kind, ...tokens, authRegion, clientId, clientSecret }
  })

const identityProvider = (members: EntryMembers.EntryMembers, upstream: KiroUpstream) =>
  Result.gen(function* () {
    const clientId = yield* required(members, "clientId", EntryMembers.textOf)
    const tokenEndpoint = yield* addressOf(members, "tokenEndpoint", upstream)
    const issuerUrl = yield* addressOf(members, "issuerUrl", upstream)
    if (tokenEndpoint === null && issuerUrl === null) {
      return yield* Result.fail("tokenEndpoint or issuerUrl is missing")
    }
    const scopes = yield* scopesOf(members)
    const audience = yield* EntryMembers.textOf(members, "audience")
    return { clientId, tokenEndpoint, issuerUrl, scopes, audience }
  })

const required = <A>(
  members: EntryMembers.EntryMembers,
  name: string,
  read: (members: EntryMembers.EntryMembers, name: string) => EntryMembers.Read<A>
): Result.Result<A, string> =>
  Result.flatMap(read(members, name), (value) =>
    value === null ? Result.fail(`${name} is missing`) : Result.succeed(value)
  )

const addressOf = (
  members: EntryMembers.EntryMembers,
  name: string,
  upstream: KiroUpstream
): EntryMembers.Read<string> =>
  Result.flatMap(EntryMembers.textOf(members, name), (address) =>
    address === null
      ? Result.succeed(null)
      : Result.mapBoth(trustedAddress(address, upstream.allowedTokenHosts), {
          onSuccess: () => address,
          onFailure: (problem) => `${name}: ${problem}`
        })
  )

/** One text, or a list of them. */
const scopesOf = (members: EntryMembers.EntryMembers): EntryMembers.Read<string> => {
  const value = members.get("scopes")
  const listed = Array.isArray(value) && value.every((scope) => typeof scope === "string")
  return EntryMembers.textOf(listed ? new Map([["scopes", value.join(" ")]]) : members, "scopes")
}

const isGroupId = Schema.decodeUnknownResult(Group.fields.id)

const groupOf = (
  members: EntryMembers.EntryMembers
): { readonly id: GroupId | null; readonly notes: ReadonlyArray<string> } => {
  const value = members.get("group")
  if (value === undefined) return { id: null, notes: [] }
  return Result.match(isGroupId(typeof value === "string" ? value.trim() : value), {
    onSuccess: (id) => ({ id, notes: [] }),
    onFailure: () => ({
      id: null,
      notes: ["group was not taken over: it must be 1 to 64 letters, digits, dots, dashes and underscores"]
    })
  })
}

const decodeProxy = Schema.decodeUnknownResult(ProxySetting)

/** The entry's own proxy. One that may not be set here is left out and named; one that is none refuses the entry. */
const proxyOf = (
  members: EntryMembers.EntryMembers,
  allowed: boolean
): Result.Result<{ readonly egress: Egress | null; readonly notes: ReadonlyArray<string> }, string> => {
  const url = members.get("proxyUrl")
  if (url === undefined) return Result.succeed({ egress: null, notes: [] })
  if (!allowed) {
    const notes = ["proxyUrl was not taken over: proxies of imported rows are not allowed here"]
    return Result.succeed({ egress: null, notes })
  }
  const [username, password] = [members.get("proxyUsername"), members.get("proxyPassword")]
  const account = username === undefined || password === undefined ? {} : { username, password }
  return Result.mapBoth(decodeProxy({ url: typeof url === "string" ? url.trim() : url, ...account }), {
    onSuccess: (egress) => ({ egress, notes: [] }),
    onFailure: () => 'proxyUrl must be "direct", or the address of an http, https or socks5 proxy'
  })
}

/** Kiro has one way in here; other programs name it `ide`. */
const endpointNotes = (members: EntryMembers.EntryMembers): ReadonlyArray<string> => {
  const value = members.get("endpoint")
  return value === undefined || value === "ide" ? [] : ["endpoint was not taken over: there is one only"]
}
