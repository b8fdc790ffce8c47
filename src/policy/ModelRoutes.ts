/**
 * ModelRoutes: which upstreams are asked for a model, by the operator's patterns. Pure.
 *
 * A pattern is compared with the client's own name of the model and with the upstream's; `*` in it stands for any
 * characters, also none. The pattern that says most decides: the one with the longest text beside its stars, and of
 * those that say as much the one that was written first.
 */
import type { UpstreamId } from "../message/Ids.ts"

/** Patterns and the upstreams they lead to, in the order in which those are asked. */
export type ModelRoutes = Readonly<Record<string, ReadonlyArray<UpstreamId>>>

/**
 * The upstreams to ask, in order, or null where no pattern fits.
 *
 * @param names the model's name as the client wrote it, and the upstream's
 */
export const routeOf = (names: ReadonlyArray<string>, routes: ModelRoutes): ReadonlyArray<UpstreamId> | null => {
  let best: ReadonlyArray<UpstreamId> | null = null
  let most = -1
  for (const [pattern, upstreams] of Object.entries(routes)) {
    const said = pattern.replaceAll("*", "").length
    if (said <= most || !names.some((name) => fits(pattern, name))) continue
    most = said
    best = upstreams
  }
  return best
}

/** Whether a name is what a pattern says. Takes time by their lengths alone, however many stars there are. */
export const fits = (pattern: string, name: string): boolean => {
  const [first = "", ...rest] = pattern.split("*")
  const last = rest.pop()
  if (last === undefined) return name === pattern
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false
  let from = first.length
  // Whatever stands between two stars is best found as early as it can be: that leaves most for what follows.
  for (const part of rest) {
    const at = name.indexOf(part, from)
    if (at === -1) return false
    from = at + part.length
  }
  return from <= name.length - last.length
}

/** Every upstream: those of the configuration in its order, then any others that credentials belong to. */
export const everyUpstream = (
  configured: ReadonlyArray<UpstreamId>,
  ofCredentials: ReadonlyArray<UpstreamId>
): ReadonlyArray<UpstreamId> => [...new Set([...configured, ...ofCredentials])]
