/**
 * UpstreamSettings: the upstreams a gateway may call, by kind.
 *
 * Every address can be replaced, so that a test can stand in for a vendor.
 */
import { Schema } from "effect"
import { UpstreamId } from "../message/Ids.ts"
import { member } from "./ConfigMember.ts"
import { AddressTemplate, HttpAddress } from "./HttpAddress.ts"
import { Region } from "./Region.ts"
import { SecretHeader } from "./Secret.ts"
import { TokenHost } from "./TokenHost.ts"

const Id = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9_-]{0,63}$/u, {
    expected: "a name of 1 to 64 lower-case letters, digits, dashes and underscores"
  })
)
  .annotate({ description: "The upstream's name, as the weir-upstream header of an answer tells it." })
  .pipe(Schema.decodeTo(UpstreamId))

const HeaderName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/u, { expected: "a header's name" })
)

/** Where Kiro's services are; `{region}` is filled in for each call. */
export const KiroEndpoints = Schema.Struct({
  api: member(
    AddressTemplate,
    "https://q.{region}.amazonaws.com",
    "Messages, models, usage limits, profiles, web search."
  ),
  socialRefresh: member(
    AddressTemplate,
    "https://prod.{region}.auth.desktop.kiro.dev/refreshToken",
    "New tokens for accounts signed in with Google or GitHub."
  ),
  idcRefresh: member(
    AddressTemplate,
    "https://oidc.{region}.amazonaws.com/token",
    "New tokens for accounts of IAM Identity Center and Builder ID."
  )
})

/** Kiro (AWS CodeWhisperer). */
export const KiroUpstream = Schema.Struct({
  id: Id,
  kind: Schema.Literal("kiro"),
  region: member(Region, "us-east-1", "Region where neither the credential nor its profile names one."),
  headers: member(
    Schema.Record(HeaderName, SecretHeader),
    {},
    "Headers sent with every call of the API; never to where tokens are refreshed."
  ),
  allowedTokenHosts: member(
    Schema.Array(TokenHost),
    [],
    "Hosts of external identity providers to which refresh tokens may be sent."
  ),
  endpoints: member(KiroEndpoints, {}, "Addresses of the services; {region} stands for the region.")
})
export type KiroUpstream = typeof KiroUpstream.Type

/** The Anthropic API itself, passed through. */
export const AnthropicUpstream = Schema.Struct({
  id: Id,
  kind: Schema.Literal("anthropic"),
  baseUrl: member(HttpAddress, "https://api.anthropic.com", "Address of the API, without /v1.")
})
export type AnthropicUpstream = typeof AnthropicUpstream.Type

/** The built-in upstream without a network, for trying things out. */
export const SandboxUpstream = Schema.Struct({
  id: Id,
  kind: Schema.Literal("sandbox")
})
export type SandboxUpstream = typeof SandboxUpstream.Type

/** One upstream. */
export const Upstream = Schema.Union([KiroUpstream, AnthropicUpstream, SandboxUpstream]).annotate({
  message: `expected an object whose "kind" is "kiro", "anthropic" or "sandbox"`
})
export type Upstream = typeof Upstream.Type

/** Every upstream, in the order in which they are asked; at least one, ids unique. */
export const Upstreams = Schema.Array(Upstream).check(
  Schema.isMinLength(1, { expected: "at least one upstream" }),
  Schema.isMaxLength(64),
  Schema.makeFilter((upstreams: ReadonlyArray<Upstream>) => {
    const at = upstreams.findIndex(
      (upstream, index) => upstreams.findIndex((other) => other.id === upstream.id) < index
    )
    return at === -1 ? undefined : { path: [at, "id"], issue: `the upstream ${upstreams[at]?.id} is named twice` }
  })
)
