/**
 * SearchTool: the web search tool of a request, and what its domains let through.
 *
 * The upstream's search knows no domains, so they are applied to what it found.
 *
 * **Source:** Anthropic's `web_search_20250305`: `allowed_domains`, `blocked_domains`.
 */
import type { MessagesRequest, ToolParam } from "../../message/MessagesRequest.ts"

type SearchRequest = Pick<MessagesRequest, "tools">

/** The request's first web search tool. */
export const searchTool = (request: SearchRequest): ToolParam | undefined => (request.tools ?? []).find(isSearchTool)

/** Whether a tool is a web search that the server runs, of whichever version. */
export const isSearchTool = (tool: NonNullable<MessagesRequest["tools"]>[number]): tool is ToolParam =>
  tool.name !== undefined && tool.type?.startsWith("web_search_") === true

/**
 * Whether a hit may be shown, by its address. A domain covers its subdomains; a path after it covers what begins with
 * it, and `*` in the path stands for anything. What is no address is shown only where the tool names no domains.
 */
export const isShown = (tool: ToolParam | undefined, address: string): boolean => {
  const allowed = tool?.allowed_domains ?? []
  const blocked = tool?.blocked_domains ?? []
  if (allowed.length === 0 && blocked.length === 0) return true
  if (!URL.canParse(address)) return false
  const url = new URL(address)
  const within = (domain: string) => covers(domain, url)
  return (allowed.length === 0 || allowed.some(within)) && !blocked.some(within)
}

const covers = (domain: string, { hostname, pathname }: URL): boolean => {
  const [host = "", ...segments] = domain.toLowerCase().split("/")
  if (hostname !== host && !hostname.endsWith(`.${host}`)) return false
  const [start = "", ...rest] = `/${segments.join("/")}`.replace(/\/$/, "").split("*")
  const path = pathname.toLowerCase()
  if (!path.startsWith(start)) return false
  if (rest.length === 0) return path.length === start.length || path[start.length] === "/"
  let at = start.length
  return rest.every((piece) => {
    const found = path.indexOf(piece, at)
    at = found + piece.length
    return found >= 0
  })
}
