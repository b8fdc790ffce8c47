/**
 * CacheMark: where a client asks for the prompt to be cached. Pure.
 */
import type { CacheControl } from "./ContentBlockParam.ts"

const isControl = (value: unknown): value is CacheControl =>
  typeof value === "object" && value !== null && "type" in value && value.type === "ephemeral"

/** The mark of a block, a tool or a request itself, or null. */
export const markOf = (marked: object): CacheControl | null =>
  "cache_control" in marked && isControl(marked.cache_control) ? marked.cache_control : null

/** A mark and the path of what bears it, relative to the block; empty for the block itself. */
export type Mark = readonly [control: CacheControl, path: string]

const none: ReadonlyArray<Mark> = []

/** The marks inside of a block, then its own; all of them stand for the block's end. */
export const marksWithin = (block: object): ReadonlyArray<Mark> => {
  const own = markOf(block)
  if (!("content" in block) || !Array.isArray(block.content)) return own === null ? none : [[own, ""]]
  const marks = block.content.flatMap((inner: unknown, index): ReadonlyArray<Mark> => {
    const mark = typeof inner === "object" && inner !== null ? markOf(inner) : null
    return mark === null ? none : [[mark, `.content.${index}`]]
  })
  return own === null ? marks : [...marks, [own, ""]]
}

/** Whether a block, or one inside of it, is marked. */
export const isMarked = (block: object): boolean => marksWithin(block).length > 0
