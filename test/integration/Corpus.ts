/**
 * Corpus: answers and requests in the shapes that Anthropic's API really has, oddly written, so that whatever is parsed and
 * written anew on the way shows.
 */

const event = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`

const block = (index: number, start: string, ...deltas: ReadonlyArray<string>): string =>
  [
    event("content_block_start", `{"type":"content_block_start","index":${index},"content_block":${start}}`),
    ...deltas.map((delta) =>
      event("content_block_delta", `{"type":"content_block_delta","index":${index},"delta":${delta}}`)
    ),
    event("content_block_stop", `{"index":${index},  "type":"content_block_stop"}`)
  ].join("")

const usage = `"input_tokens": 2095,"cache_creation_input_tokens":250,"cache_read_input_tokens":9000,"cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":200}`

const start = event(
  "message_start",
  `{"type":"message_start","message":{"id":"msg_01X","type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{${usage},"output_tokens":3,"service_tier":"standard"}}}`
)

/** Every kind of content block that is documented, and one that is not. */
const blocks = [
  block(
    0,
    `{"type":"thinking","thinking":"","signature":""}`,
    `{"type":"thinking_delta","thinking":"Hm \\u2014 1.0"}`,
    `{"type":"signature_delta","signature":"EqQBCg=="}`
  ),
  block(1, `{"type":"redacted_thinking","data":"EmwKAhgBEgy3va3pzix/LafPsn4a"}`),
  block(
    2,
    `{"type":"text","text":"","citations":[]}`,
    `{"type":"text_delta","text":"Zwölf 🥊"}`,
    `{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://a.test/?x=1&y=2","title":"A","encrypted_index":"Eo8B","cited_text":"…"}}`
  ),
  block(
    3,
    `{"type":"server_tool_use","id":"srvtoolu_01","name":"web_search","input":{}}`,
    `{"type":"input_json_delta","partial_json":""}`,
    `{"type":"input_json_delta","partial_json":"{\\"query\\": \\"weir\\"}"}`
  ),
  block(
    4,
    `{"type":"web_search_tool_result","tool_use_id":"srvtoolu_01","content":[{"type":"web_search_result","title":"T","url":"https://b.test","encrypted_content":"EqgfCioIARgB","page_age":null}]}`
  ),
  block(
    5,
    `{"type":"bash_code_execution_tool_result","tool_use_id":"srvtoolu_02","content":{"type":"bash_code_execution_result","stdout":"1\\n","stderr":"","return_code":0,"content":[]}}`
  ),
  block(6, `{"type":"mcp_tool_use","id":"mcptoolu_1","name":"echo","server_name":"s","input":{}}`),
  block(
    7,
    `{"type":"tool_use","id":"toolu_01","name":"get_weather","input":{}}`,
    `{"type":"input_json_delta","partial_json":"{\\"n\\":12345678901234567890}"}`
  ),
  block(8, `{"type":"container_upload","file_id":"file_01"}`),
  block(9, `{"type":"a_block_of_the_future","weight":1.50,"weight":2e1}`, `{"type":"a_delta_of_the_future","x":[]}`)
]

const ending = (last: string): string =>
  event(
    "message_delta",
    `{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null},"usage":{${last}},"context_management":{"applied_edits":[]}}`
  ) + event("message_stop", `{"type":"message_stop" }`)

const final = `"output_tokens":503,"output_tokens_details":{"thinking_tokens":40},"server_tool_use":{"web_search_requests":1,"web_fetch_requests":0},"iterations":[{"n":1}]`

/** Streams, each as a server would write it. `usage` is what its last `message_delta` says. */
export const streams: ReadonlyArray<{ readonly name: string; readonly text: string }> = [
  { name: "all kinds of blocks", text: start + event("ping", `{"type": "ping"}`) + blocks.join("") + ending(final) },
  { name: "CRLF", text: (start + blocks.join("") + ending(final)).replaceAll("\n", "\r\n") },
  {
    name: "comments, ids and events of the future",
    text: `: hello\n\n${start}id: 1\nretry: 5\nevent: of_the_future\ndata: {"type":"of_the_future",\ndata:  "x": 1}\n\n${blocks.join(": c\n\n")}${ending(final)}`
  },
  {
    name: "several message_deltas",
    text:
      start +
      blocks.join("") +
      event("message_delta", `{"type":"message_delta","delta":{"container":{"id":"c"}},"usage":{"output_tokens":9}}`) +
      ending(final)
  },
  {
    name: "a megabyte",
    text:
      start +
      block(
        0,
        `{"type":"text","text":""}`,
        ...Array.from({ length: 64 }, (_, n) => `{"type":"text_delta","text":"${String(n).padStart(16_384, "é")}"}`)
      ) +
      ending(final)
  }
]

/** A stream or a message without what the gateway adds to it. */
export const withoutWeir = (text: string): string =>
  text.replace(/,"weir":\{"source":"upstream","cacheSource":"upstream"\}/, "")

/** Whole messages. */
export const messages: ReadonlyArray<{ readonly name: string; readonly text: string }> = [
  {
    name: "a message of all kinds of blocks",
    text: `{\n  "id" : "msg_01X","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"{\\"a\\": 1.0}","citations":null},{"type":"redacted_thinking","data":"Em"},{"type":"of_the_future","x":1e400}],"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"usage":{${usage},${final}},"container":null,"future":[1.10]}\n`
  }
]

/** Bodies of requests, as no serialiser would write them. Each asks for a stream. */
export const bodies: ReadonlyArray<string> = [
  `{"max_tokens":1.0e2,"stream":true,"model":"claude-opus-5-5","of_the_future":{"deep":[null,1.0,"\\u00e9"]},"messages":[{"role":"user","content":[{"type":"of_the_future","cache_control":{"type":"ephemeral","ttl":"1h","scope":"x"}}]}],"temperature":0.70}`,
  `{ "model": "claude-opus-5-5",\n "max_tokens": 64, "stream" : true, "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2; cc_entrypoint=cli;"},{"type":"text","text":"s"}],"thinking":{"type":"adaptive","display":"omitted","new":1},"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":8,"new":true}], "messages":[{"role":"user","content":"${"ü".repeat(500_000)}"}] }\n`
]
