/**
 * RequestId: the name of one client request, `req_…`, in the header `request-id` of whatever answers it.
 *
 * **Source:** Anthropic Messages API, errors: clients show it and support asks for it.
 */
import { Context } from "effect"

/** The id of the request being served. */
export const RequestId = Context.Reference<string>("weir/http/RequestId", { defaultValue: () => "req_none" })
