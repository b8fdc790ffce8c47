/**
 * KeyApi: the keys of client programs and what each may do. Only the definition.
 */
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { ClientKeyId } from "../message/Ids.ts"
import { BadRequestAnswer, InternalAnswer, NotFoundAnswer, TooLargeAnswer } from "./ErrorSchema.ts"
import { KeyChange, KeyList, KeyView, MadeKey, NewKey } from "./KeySchema.ts"

const params = { id: ClientKeyId }
const errors = [BadRequestAnswer, InternalAnswer]

/** Client keys. */
export class KeysGroup extends HttpApiGroup.make("keys")
  .add(
    HttpApiEndpoint.get("list", "/keys", { success: KeyList }).annotateMerge(
      OpenApi.annotations({
        summary: "List client keys",
        description: "Those of the configuration, then the others in the order in which they were made."
      })
    ),
    HttpApiEndpoint.post("create", "/keys", {
      payload: NewKey,
      success: MadeKey,
      error: [...errors, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Make a client key",
        description: "The answer shows the key, this once. At most 10,000 keys are kept."
      })
    ),
    HttpApiEndpoint.patch("update", "/keys/:id", {
      params,
      payload: KeyChange,
      success: KeyView,
      error: [...errors, NotFoundAnswer, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Change a client key",
        description: "What is left out stays, null takes a limit away. From the next request on."
      })
    ),
    HttpApiEndpoint.delete("remove", "/keys/:id", {
      params,
      success: HttpApiSchema.NoContent,
      error: [...errors, NotFoundAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Delete a client key",
        description: "From the next request on; those under way end as they would. Their records stay."
      })
    )
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Keys", description: "Client keys and their limits. No key is ever shown again." })
  ) {}
