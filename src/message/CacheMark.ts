/**
 * CacheMark: where a client asks for the prompt to be cached. Pure.
 */
import type { CacheControl } from "./ContentBlockParam.ts"

const isControl = (value: unknown): value is CacheControl =>
  typeof value === "object" && value !== null && "type" in value && value.type === "ephemeral"

/** The mark of a block, a tool or a request itself, or null. */
export const markOf = (marked: object): CacheControl | null =>
  "cache_control" in marked && isControl(marked.cache_control) ? marked.cache_control : null

/** A block's own mark, or one inside of it, which stands for the block's end. */
export const markWithin = (block: object): CacheControl | null => {
  const own = markOf(block)
  if (own !== null || !("content" in block) || !Array.isArray(block.content)) return own
  for (const inner of block.content) {
    const mark: CacheControl | null = typeof inner === "object" && inner !== null ? markOf(inner) : null
    if (mark !== null) return mark
  }
  return null
}
