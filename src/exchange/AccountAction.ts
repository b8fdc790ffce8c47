/**
 * AccountAction: what a client may ask of the files and batches that live at an account, and where that is. Pure.
 *
 * **Source:** Anthropic API: Files and Message Batches.
 */
import type { ForwardCall } from "../upstream/UpstreamProvider.ts"

export interface AccountAction {
  readonly kind: "file" | "batch"
  /** `fetch`: the bytes of a file, the results of a batch. */
  readonly does: "create" | "list" | "read" | "delete" | "cancel" | "fetch"
  /** What it is done to; null where it is done to nothing that is there. */
  readonly id: string | null
}

const folders = { file: "/v1/files", batch: "/v1/messages/batches" } as const
const contents = { file: "/content", batch: "/results" } as const

/** How it is asked for. */
export const methodOf = ({ does }: AccountAction): ForwardCall["method"] =>
  does === "create" || does === "cancel" ? "POST" : does === "delete" ? "DELETE" : "GET"

/** Where it is asked for. */
export const pathOf = ({ does, id, kind }: AccountAction): string => {
  const rest = does === "cancel" ? "/cancel" : does === "fetch" ? contents[kind] : ""
  return id === null ? folders[kind] : `${folders[kind]}/${encodeURIComponent(id)}${rest}`
}
