/**
 * AuditMask: what of a change is told: the members that differ, without secrets, in bounds. Pure.
 *
 * What handlers hand over holds no secret to begin with; this is the second look, by the names of members and by the
 * shape of texts.
 */
import { Predicate } from "effect"
import type { Schema } from "effect"
import { cut, redact } from "../telemetry/Redaction.ts"

export type Json = Schema.Json

/** Longest entry's side, as JSON. Characters. */
const longest = 16_384
/** How deep objects and lists are told. */
const deepest = 8
/** Members of one object or list that are told. */
const most = 200

/** Names of members that hold secrets. Counts of tokens hold none. */
const secretName =
  /^(?:.*(?:secret|password|authorization|private[_-]?key)|.*(?:api|client|admin|master)[_-]?key|key|(?:.*(?:access|refresh|id|auth|bearer)[_-]?)?token|username|userinfo)$/i

/** Both sides of a change, reduced to the members in which they differ. */
export const difference = (before: unknown, after: unknown): { readonly before: unknown; readonly after: unknown } => {
  if (!Predicate.isReadonlyObject(before) || !Predicate.isReadonlyObject(after)) return { before, after }
  const differs = (name: string) => JSON.stringify(memberOf(before, name)) !== JSON.stringify(memberOf(after, name))
  const only = (side: object) => Object.fromEntries(Object.entries(side).filter(([name]) => differs(name)))
  return { before: only(before), after: only(after) }
}

/** As it is kept: JSON without secrets, cut to 16,384 characters. */
export const masked = (value: unknown): Json => {
  const told = tell(value, deepest)
  return JSON.stringify(told).length <= longest ? told : { truncated: true }
}

/** A path as it is kept: without its query, cut to 512 characters. */
export const toldPath = (url: string): string => cut(redact(url.split("?", 1)[0] ?? ""), 512)

const tell = (value: unknown, levels: number): Json => {
  if (value === null || typeof value === "boolean") return value
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value === "string") return redact(value)
  if (Array.isArray(value)) return levels === 0 ? "…" : value.slice(0, most).map((one) => tell(one, levels - 1))
  if (!Predicate.isReadonlyObject(value)) return null
  if (levels === 0) return "…"
  const json: unknown = "toJSON" in value && typeof value.toJSON === "function" ? value.toJSON() : value
  if (json !== value) return tell(json, levels - 1)
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, most)
      .map(([name, member]) => [
        name,
        secretName.test(name) && isText(member) ? "<redacted>" : tell(member, levels - 1)
      ])
  )
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== ""

const memberOf = (object: object, name: string): unknown =>
  Predicate.hasProperty(object, name) ? object[name] : undefined
