/**
 * KiroTypedTools: tools that a client names by a type of Anthropic's instead of describing them.
 *
 * The upstream knows no such types. Tools that the client itself runs (`bash_…`, `text_editor_…`, `memory_…`,
 * `computer_…`) become ordinary tools with the inputs that Anthropic documents. Web search becomes an ordinary tool
 * that the gateway runs. All others would have to run at Anthropic's: code execution, web fetch, tool search, MCP
 * toolsets. They are not offered to the model; a request that lists them is not refused.
 *
 * **Source:** Anthropic Messages API, `tools[]`.
 */
import {
  bashSchema,
  computerSchema,
  type InputSchema,
  memorySchema,
  textEditorSchema,
  webSearchSchema
} from "./KiroToolSchema.ts"

/** A tool that is named by its type, described. */
export interface TypedTool {
  readonly description: string
  readonly schema: InputSchema
  /** Whether the gateway runs it. */
  readonly isServerTool: boolean
}

/** A tool by its type, or null where nobody here can run it. `members` are those of the tool in the request. */
export const typedTool = (type: string, members: object): TypedTool | null => {
  if (type.startsWith("web_search_")) {
    return {
      description: "Search the web. Gives titles, addresses and excerpts of the best results.",
      schema: webSearchSchema,
      isServerTool: true
    }
  }
  const [, kind, date] = /^(bash|text_editor|memory|computer)_(\d{8})$/.exec(type) ?? []
  switch (kind) {
    case "bash":
      return clientTool("Run a command in a bash shell that stays open between calls.", bashSchema)
    case "text_editor":
      return clientTool(
        "View, create and edit text files. State stays between calls.",
        textEditorSchema(date !== undefined && date < "20250429")
      )
    case "memory":
      return clientTool(
        "Store and read notes in files under /memories that stay between conversations. View the directory before other work.",
        memorySchema
      )
    case "computer":
      return clientTool(`Use a computer by mouse, keyboard and screenshots.${displaySize(members)}`, computerSchema)
    default:
      return null
  }
}

const clientTool = (description: string, schema: InputSchema): TypedTool => ({
  description,
  schema,
  isServerTool: false
})

const displaySize = (members: object): string =>
  "display_width_px" in members && "display_height_px" in members
    ? ` The screen is ${Number(members.display_width_px)} pixels wide and ${Number(members.display_height_px)} high.`
    : ""
