/**
 * KiroToolSchema: a tool's input schema as the upstream takes it, and the schemas of Anthropic's own client tools.
 */
import { Predicate } from "effect"

/** A JSON Schema of an object. */
export type InputSchema = Readonly<Record<string, unknown>>

/** Takes any object. */
export const openSchema: InputSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  type: "object",
  properties: {},
  required: [],
  additionalProperties: true
}

/**
 * Repairs the top level of a schema, which the upstream is strict about: it must describe an object, with `properties`
 * an object, `required` a list of names, and `additionalProperties` a boolean or a schema. What is deeper is sent as
 * it came.
 */
export const normaliseSchema = (schema: unknown): InputSchema => {
  if (!Predicate.isReadonlyObject(schema)) {
    return { type: "object", properties: {}, required: [], additionalProperties: true }
  }
  const { type, properties, required, additionalProperties: additional } = schema
  return {
    ...schema,
    type: typeof type === "string" && type !== "" ? type : "object",
    properties: Predicate.isReadonlyObject(properties) ? properties : {},
    required: Array.isArray(required) ? required.filter((name) => typeof name === "string") : [],
    additionalProperties: typeof additional === "boolean" || Predicate.isReadonlyObject(additional) ? additional : true
  }
}

const text = (description: string) => ({ type: "string", description })
const integers = (description: string) => ({ type: "array", items: { type: "integer" }, description })

/** The schema of a closed object. */
export const objectSchema = (
  properties: Readonly<Record<string, unknown>>,
  required: ReadonlyArray<string>
): InputSchema => ({ type: "object", properties, required, additionalProperties: false })

/** Input of Anthropic's `bash` tool. */
export const bashSchema = objectSchema(
  {
    command: text("The command to run."),
    restart: { type: "boolean", description: "True to restart the shell instead." }
  },
  []
)

const fileMembers = {
  path: text("Absolute path of the file or directory."),
  file_text: text("For `create`: the whole content of the file."),
  old_str: text("For `str_replace`: the text to replace; it must occur exactly once."),
  insert_line: { type: "integer", description: "For `insert`: the line after which to insert; 0 for the beginning." },
  view_range: integers("For `view` of a file: first and last line, counted from 1; -1 as last for the end.")
}

/** Input of Anthropic's text editor tool; before April 2025 it could undo, and named the inserted text differently. */
export const textEditorSchema = (isOld: boolean): InputSchema =>
  objectSchema(
    {
      command: { type: "string", enum: ["view", "create", "str_replace", "insert", ...(isOld ? ["undo_edit"] : [])] },
      ...fileMembers,
      new_str: text(`For \`str_replace\`${isOld ? " and `insert`" : ""}: the new text.`),
      ...(isOld ? {} : { insert_text: text("For `insert`: the text to insert.") })
    },
    ["command", "path"]
  )

/** Input of Anthropic's memory tool. */
export const memorySchema = objectSchema(
  {
    command: { type: "string", enum: ["view", "create", "str_replace", "insert", "delete", "rename"] },
    ...fileMembers,
    path: text("Path under /memories."),
    new_str: text("For `str_replace`: the new text."),
    insert_text: text("For `insert`: the text to insert."),
    old_path: text("For `rename`: the path as it is."),
    new_path: text("For `rename`: the path as it will be.")
  },
  ["command"]
)

/** Input of Anthropic's computer use tool. */
export const computerSchema = objectSchema(
  {
    action: {
      type: "string",
      enum: [
        "screenshot",
        "left_click",
        "right_click",
        "middle_click",
        "double_click",
        "triple_click",
        "left_click_drag",
        "left_mouse_down",
        "left_mouse_up",
        "mouse_move",
        "cursor_position",
        "scroll",
        "type",
        "key",
        "hold_key",
        "wait",
        "zoom"
      ]
    },
    coordinate: integers("Where to act: x and y in pixels from the top left corner."),
    start_coordinate: integers("For `left_click_drag`: where to begin."),
    text: text(
      "For `type`: the text. For `key` and `hold_key`: the keys, such as `ctrl+s`. Else: keys held meanwhile."
    ),
    scroll_direction: { type: "string", enum: ["up", "down", "left", "right"] },
    scroll_amount: { type: "integer", description: "For `scroll`: how many clicks of the wheel." },
    duration: { type: "number", description: "For `hold_key` and `wait`: seconds." },
    region: integers("For `zoom`: x0, y0, x1 and y1 of what to show.")
  },
  ["action"]
)

/** Input of the web search that the gateway runs. */
export const webSearchSchema = objectSchema({ query: text("What to search for.") }, ["query"])
