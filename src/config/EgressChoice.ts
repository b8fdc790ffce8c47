/**
 * EgressChoice: which way a credential's calls go out, and who said so. Pure.
 *
 * The credential's own setting goes before its group's, that before the gateway's. A group without a proxy calls
 * directly, whatever the gateway's proxy is; a group that is not configured says nothing.
 */
import type { Credential } from "../message/Credential.ts"
import { direct, type Egress } from "../message/Egress.ts"
import type { Group } from "./HotSettings.ts"

/** Where the proxy of a credential's calls is set; the `_direct` ones say there that no proxy is used. */
export type ProxySource = "credential" | "credential_direct" | "group" | "group_direct" | "global" | "none"

/** The way, and who chose it. */
export interface EgressChoice {
  readonly egress: Egress
  readonly source: ProxySource
}

/** @param proxy the gateway's own, or null where there is none */
export const egressOf = (
  credential: Pick<Credential, "group" | "proxy">,
  groups: ReadonlyArray<Group>,
  proxy: Egress | null
): EgressChoice => {
  if (credential.proxy !== null) return chosen(credential.proxy, "credential", "credential_direct")
  const group = credential.group === null ? undefined : groups.find(({ id }) => id === credential.group)
  if (group !== undefined) return chosen(group.proxy, "group", "group_direct")
  return chosen(proxy ?? direct, "global", "none")
}

const chosen = (egress: Egress, proxied: ProxySource, otherwise: ProxySource): EgressChoice => ({
  egress,
  source: egress.kind === "proxy" ? proxied : otherwise
})
