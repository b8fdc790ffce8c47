/**
 * ResponsePart: what an upstream's answer says, before it is put into Anthropic's blocks.
 *
 * Parts come in the upstream's order and may interleave; making blocks of them that never overlap is the
 * assembler's work, not the decoder's.
 */
import type { WebSearchError, WebSearchResult } from "./MessageEvent.ts"

export type ResponsePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thinking"; readonly text: string }
  /** Belongs to the thinking before it; the upstream's own. */
  | { readonly kind: "signature"; readonly signature: string }
  /** Base64, as the upstream gave it. */
  | { readonly kind: "redacted_thinking"; readonly data: string }
  | { readonly kind: "tool_start"; readonly id: string; readonly name: string }
  /** A fragment of the input's JSON text. */
  | { readonly kind: "tool_input"; readonly id: string; readonly json: string }
  | { readonly kind: "tool_stop"; readonly id: string }
  | { readonly kind: "server_tool"; readonly id: string; readonly name: string; readonly input: unknown }
  | {
      readonly kind: "search_result"
      readonly toolUseId: string
      readonly content: ReadonlyArray<WebSearchResult> | WebSearchError
    }
