/**
 * ApiError: a refusal in the form of Anthropic's API, and the words of those that more than one rule needs.
 *
 * **Source:** `core/error` and `resources/shared` of `@anthropic-ai/sdk` 1.12; messages as clients recorded them.
 */

/** One refusal. */
export interface ApiError {
  readonly status: number
  /** `error.type`, e.g. `invalid_request_error`. */
  readonly type: string
  readonly message: string
  /** `error.details`, e.g. `{ error_code: "thread_not_found" }`. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The body of an error answer; also the data of an `error` event. */
export const errorBody = (error: Pick<ApiError, "type" | "message" | "details">, requestId: string) => ({
  type: "error",
  error: {
    type: error.type,
    message: error.message,
    ...(error.details === undefined ? {} : { details: error.details })
  },
  request_id: requestId
})

/** 400. */
export const invalid = (message: string, details?: Readonly<Record<string, unknown>>): ApiError => ({
  status: 400,
  type: "invalid_request_error",
  message,
  ...(details === undefined ? {} : { details })
})

/** 401. */
export const unauthenticated = (message: string): ApiError => ({ status: 401, type: "authentication_error", message })

/** 404. */
export const notFound = (message: string, details?: Readonly<Record<string, unknown>>): ApiError => ({
  status: 404,
  type: "not_found_error",
  message,
  ...(details === undefined ? {} : { details })
})

/** 413. */
export const tooLarge: ApiError = {
  status: 413,
  type: "request_too_large",
  message: "Request exceeds the maximum allowed number of bytes."
}
