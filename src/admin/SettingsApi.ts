/**
 * SettingsApi: what an operator may change of the configuration without a restart. Only the definition.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { BadRequestAnswer, InternalAnswer, NotFoundAnswer, TooLargeAnswer } from "./ErrorSchema.ts"
import { GroupList, SectionName, SectionView } from "./SettingsSchema.ts"

const params = { section: SectionName }
const errors = [BadRequestAnswer, InternalAnswer]

/** Hot settings. */
export class SettingsGroup extends HttpApiGroup.make("settings")
  .add(
    HttpApiEndpoint.get("groups", "/config/groups", { success: GroupList }).annotateMerge(
      OpenApi.annotations({ summary: "List credential groups" })
    ),
    HttpApiEndpoint.post("putGroup", "/config/groups", {
      payload: Schema.Unknown,
      success: GroupList,
      error: [...errors, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Add or change a group",
        description: '`{ "id", "proxy"? }`; what is left out stays as it is. Answers with all groups.'
      })
    ),
    HttpApiEndpoint.delete("deleteGroup", "/config/groups/:id", {
      params: { id: Schema.String },
      success: GroupList,
      error: [...errors, NotFoundAnswer]
    }).annotateMerge(
      OpenApi.annotations({ summary: "Delete a group", description: "Its members stay, without a group." })
    ),
    HttpApiEndpoint.get("section", "/config/:section", { params, success: SectionView }).annotateMerge(
      OpenApi.annotations({ summary: "Show a section" })
    ),
    HttpApiEndpoint.put("update", "/config/:section", {
      params,
      payload: Schema.Unknown,
      success: SectionView,
      error: [...errors, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Change members of a section",
        description: "Members that are left out stay. Takes effect on the next request and outlives a restart."
      })
    ),
    HttpApiEndpoint.delete("remove", "/config/:section/:member", {
      params: { ...params, member: Schema.String },
      success: SectionView,
      error: errors
    }).annotateMerge(
      OpenApi.annotations({ summary: "Return a member to the file's value", description: "Or to the default." })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Settings", description: "What may change while the gateway runs." })) {}
