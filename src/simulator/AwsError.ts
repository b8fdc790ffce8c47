/**
 * AwsError: a refusal in the form of AWS's REST-JSON services.
 *
 * **Source:** AWS restJson1 protocol (error name in `x-amzn-errortype`), exceptions of AWS's published
 * `codewhisperer-streaming` model.
 */

/** One refusal. `detail` is for people at the simulator: it is recorded and never part of the body. */
export interface AwsError {
  readonly status: number
  /** Exception name, e.g. `ValidationException`. */
  readonly type: string
  readonly message: string
  readonly reason?: string
  readonly detail?: string
}

/** The members of an error body; also the payload of an exception frame. */
export const errorBody = (error: Pick<AwsError, "message" | "reason">): Record<string, string> =>
  error.reason === undefined ? { message: error.message } : { message: error.message, reason: error.reason }

/** 400 for a body that is JSON but not a request; `detail` says which rule was broken. */
export const improper = (detail: string, reason?: string): AwsError => ({
  status: 400,
  type: "ValidationException",
  message: "Improperly formed request.",
  ...(reason === undefined ? {} : { reason }),
  detail
})

/** 403 for a bearer token that is missing, unknown or expired. */
export const invalidBearer = (detail: string): AwsError => ({
  status: 403,
  type: "AccessDeniedException",
  message: "The bearer token included in the request is invalid.",
  detail
})
