/**
 * AnthropicMade: what an answer says has come to live at the account that served it. Pure.
 *
 * An answer's own message, because a thread goes on from it; the container that ran code; files that the code made.
 *
 * **Source:** Anthropic Messages API: `thread`, `container`, code execution results.
 */
import type { Made } from "../../message/Pin.ts"
import { isRecord } from "../../message/JsonRecord.ts"

/** Most things that are remembered of one answer. */
const mostMade = 256

export class AnthropicMade {
  readonly #ids = new Map<string, Made["kind"]>()

  /** In the order in which they were told. */
  get all(): ReadonlyArray<Made> {
    return [...this.#ids].map(([id, kind]) => ({ kind, id }))
  }

  /** Reads a message: whole, or as it begins. */
  message(message: Readonly<Record<string, unknown>>): void {
    if (typeof message["id"] === "string") this.#add("thread", message["id"])
    this.container(message)
    this.content(message["content"])
  }

  /** Reads `container` of a message or of a `message_delta`'s delta. */
  container(holder: Readonly<Record<string, unknown>>): void {
    const { container } = holder
    if (isRecord(container) && typeof container["id"] === "string") this.#add("container", container["id"])
  }

  /** Reads content, or one block of it: files stand in the results of tools, at any depth. */
  content(value: unknown): void {
    if (Array.isArray(value)) for (const inner of value) this.content(inner)
    else if (isRecord(value)) {
      if (typeof value["file_id"] === "string") this.#add("file", value["file_id"])
      this.content(value["content"])
    }
  }

  #add(kind: Made["kind"], id: string): void {
    if (this.#ids.size < mostMade) this.#ids.set(id, kind)
  }
}
