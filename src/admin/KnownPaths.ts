/**
 * KnownPaths: which methods a path of the admin API takes, for whoever asks by another.
 */
import { AdminApi } from "./AdminApi.ts"

/** The methods of a path; none where there is no such path. */
export const methodsOf = (path: string): ReadonlyArray<string> => [
  ...new Set(known.flatMap(({ method, pattern }) => (pattern.test(path) ? [method] : [])))
]

const known = Object.values(AdminApi.groups).flatMap((group) =>
  Object.values(group.endpoints).map((endpoint) => ({
    method: String(endpoint.method),
    pattern: new RegExp(`^${String(endpoint.path).replaceAll(/:\w+/g, "[^/]+")}$`)
  }))
)
