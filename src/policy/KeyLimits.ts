/**
 * KeyLimits: what of a client key's limits can be told from the request alone. Pure.
 */
import type { KeyLimits } from "../message/KeyLimits.ts"
import { clientModelName } from "./ModelCatalog.ts"
import { fits } from "./ModelRoutes.ts"

/** Whether the key is past its time. @param now milliseconds since the epoch */
export const isExpired = ({ expiresAt }: Pick<KeyLimits, "expiresAt">, now: number): boolean =>
  expiresAt !== null && now >= expiresAt

/**
 * Whether the key may use a model: where one of its patterns fits the client's own name of it, the upstream's, or the one
 * under which clients are told of it.
 *
 * @param name as the client wrote it
 * @param resolved the upstream's own name
 */
export const mayUse = ({ models }: Pick<KeyLimits, "models">, name: string, resolved: string): boolean =>
  models === null ||
  models.some((pattern) => [name, resolved, clientModelName(resolved)].some((one) => fits(pattern, one)))
