/**
 * EntryUpstream: which of the configured upstreams the credential of an entry is for. Pure.
 *
 * The one that the entry names in `upstream`; else the first of its kind.
 */
import { Result } from "effect"
import type { Upstream } from "../config/UpstreamSettings.ts"
import { forLog } from "../telemetry/Redaction.ts"
import { type EntryMembers, textOf } from "./EntryMembers.ts"

/** The kinds of upstream that credentials are for. */
export type CredentialUpstreamKind = Exclude<Upstream["kind"], "sandbox">

/** The upstream of an entry, or a sentence that names what there is none of. */
export const upstreamFor = <Kind extends CredentialUpstreamKind>(
  members: EntryMembers,
  upstreams: ReadonlyArray<Upstream>,
  kind: Kind
): Result.Result<Extract<Upstream, { readonly kind: Kind }>, string> => {
  const fits = (upstream: Upstream): upstream is Extract<Upstream, { readonly kind: Kind }> => upstream.kind === kind
  return Result.flatMap(textOf(members, "upstream"), (id) => {
    if (id === null) {
      const first = upstreams.find(fits)
      return first === undefined
        ? Result.fail(`there is no upstream of kind ${kind} in the configuration`)
        : Result.succeed(first)
    }
    const named = upstreams.find((upstream) => upstream.id === id)
    if (named === undefined) return Result.fail(`upstream: there is no upstream ${forLog(id)} in the configuration`)
    return fits(named)
      ? Result.succeed(named)
      : Result.fail(`upstream: ${forLog(id)} is of kind ${named.kind}, and this credential needs one of kind ${kind}`)
  })
}

/** Whether any upstream takes credentials of a file. */
export const takesCredentials = (upstreams: ReadonlyArray<Upstream>): boolean =>
  upstreams.some(({ kind }) => kind !== "sandbox")
