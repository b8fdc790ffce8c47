/**
 * SystemPrompt: an operator's own text before or after the client's system prompt. Nothing of the client's is removed;
 * what is added counts as input.
 */
import type { MessagesRequest } from "../message/MessagesRequest.ts"

/** The operator's text; null or empty: none. */
export interface SystemPrompt {
  readonly prepend: string | null
  readonly append: string | null
}

export const noPrompt: SystemPrompt = { prepend: null, append: null }

/** The request with the operator's text; the very same object where there is none. */
export const applySystemPrompt = (request: MessagesRequest, { append, prepend }: SystemPrompt): MessagesRequest => {
  if (!prepend && !append) return request
  const own = request.system ?? []
  return {
    ...request,
    system: [
      ...(!prepend ? [] : [{ type: "text", text: prepend } as const]),
      ...(typeof own !== "string" ? own : own === "" ? [] : [{ type: "text", text: own } as const]),
      ...(!append ? [] : [{ type: "text", text: append } as const])
    ]
  }
}
