/**
 * PoolHealth: how many credentials are in which state, and when the next one comes back. Pure.
 */
import { DateTime } from "effect"
import type { DisabledReason } from "../message/CredentialState.ts"
import type { Snapshot } from "./CredentialList.ts"

export const poolHealth = ({ credentials }: Pick<Snapshot, "credentials">) => {
  const disabledBy: Partial<Record<DisabledReason, number>> = {}
  let [ready, full, cooling, disabled] = [0, 0, 0, 0]
  let soonest: DateTime.Utc | null = null
  for (const { cooling: rests, disabled: isOff, health, limit, outstanding } of credentials) {
    if (isOff) {
      disabled++
      const reason = health.disabled?.reason ?? "manual"
      disabledBy[reason] = (disabledBy[reason] ?? 0) + 1
    } else if (rests) cooling++
    else if (limit !== null && outstanding >= limit) full++
    else ready++
    const until = recovery(
      isOff ? (health.disabled?.until ?? null) : null,
      rests ? health.cooldown?.until : null,
      isOff
    )
    if (until !== null && (soonest === null || DateTime.isLessThan(until, soonest))) soonest = until
  }
  return { total: credentials.length, ready, full, cooling, disabled, disabledBy, soonestRecovery: soonest }
}

/** One that is off until a person acts does not recover, however its rest ends. */
const recovery = (
  off: DateTime.Utc | null,
  rest: DateTime.Utc | null | undefined,
  isOff: boolean
): DateTime.Utc | null => {
  if (isOff && off === null) return null
  if (off === null) return rest ?? null
  return rest == null || DateTime.isGreaterThan(off, rest) ? off : rest
}
