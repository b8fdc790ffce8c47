/**
 * Journal: what stands in the journal's lines, and what they come to after a crash. Pure.
 *
 * A request is one line when it is opened, more while it is answered, one when it is settled. One that was opened and not
 * settled was abandoned, with the usage that was last known.
 */
import { Option, Schema } from "effect"
import { nothingUsed, RecordedUsage, RequestIntent, RequestRecord } from "../message/RequestRecord.ts"

const Line = Schema.Union([
  Schema.Struct({ opened: RequestIntent }),
  Schema.Struct({ id: Schema.String, used: RecordedUsage }),
  Schema.Struct({ settled: RequestRecord })
])

export const opened = (intent: RequestIntent): string => lineOf({ opened: intent })

export const used = (id: string, usage: RecordedUsage): string => lineOf({ id, used: usage })

export const settled = (record: RequestRecord): string => lineOf({ settled: record })

/** What is written needs no check on the way out: it is JSON by its type. */
const lineOf = (line: typeof Line.Type): string => `${JSON.stringify(line)}\n`

const read = Schema.decodeUnknownOption(Schema.fromJsonString(Line))

export interface Replayed {
  /** In the order in which they were settled, then those that were not. */
  readonly records: ReadonlyArray<RequestRecord>
  /** Lines that hold nothing readable. */
  readonly unread: number
}

export const replay = (lines: ReadonlyArray<string>): Replayed => {
  const open = new Map<string, { readonly intent: RequestIntent; readonly usage: RecordedUsage }>()
  const records = new Map<string, RequestRecord>()
  let unread = 0
  for (const text of lines) {
    const line = Option.getOrNull(read(text))
    if (line === null) unread++
    else if ("opened" in line) open.set(line.opened.id, { intent: line.opened, usage: nothingUsed })
    else if ("used" in line) {
      const before = open.get(line.id)
      if (before !== undefined) open.set(line.id, { ...before, usage: line.used })
    } else records.set(line.settled.id, line.settled)
  }
  const isOpen = ({ intent }: { readonly intent: RequestIntent }) => !records.has(intent.id)
  return { records: [...records.values(), ...[...open.values()].filter(isOpen).map(abandoned)], unread }
}

const abandoned = ({
  intent,
  usage
}: {
  readonly intent: RequestIntent
  readonly usage: RecordedUsage
}): RequestRecord => ({
  ...intent,
  outcome: "abandoned",
  stopReason: null,
  status: 0,
  error: { type: "api_error", message: "the gateway's process ended before the answer did" },
  usage,
  reported: null,
  webSearches: 0,
  credits: null,
  phases: { queue: 0, upstreamHeader: null, firstEvent: null, total: 0 },
  attempts: []
})
