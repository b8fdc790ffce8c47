/**
 * Delivery: how an answer travels: in which pieces, with which pauses, and how far.
 */
import { Effect } from "effect"
import type { Wire } from "../Wire.ts"
import type { Rule } from "./Script.ts"
import type { Sighting } from "./SeenRequest.ts"

/** Longest part of an answer that is recorded, in characters. */
const MAX_RECORDED = 64 * 1024

/** What carries it, and where it is recorded. */
export interface Carrier {
  readonly wire: Wire
  readonly sighting: Sighting
}

/** The members of a rule that are about travelling. */
export type Manner = Pick<Rule, "cut" | "stall" | "split" | "pause" | "delay" | "headersDelay">

/** An answer that is ready to go. */
export interface Parcel {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** What goes out one after the other: one event each, or the whole body. */
  readonly frames: ReadonlyArray<string | Uint8Array>
  /** Called just before the headers go out. */
  readonly onBegin?: () => void
  /** Called just before the last frame goes out, if it does. */
  readonly onEnd?: () => void
}

/** Sends it; ends when the answer has, or never where it stalls. */
export const deliver = Effect.fnUntraced(function* (carrier: Carrier, parcel: Parcel, manner: Manner) {
  const { cut, delay = 0, headersDelay = 0, stall } = manner
  const { wire } = carrier
  if (headersDelay > 0) yield* Effect.sleep(headersDelay)
  if (wire.over) return
  parcel.onBegin?.()
  wire.begin(parcel.status, parcel.headers)
  let sent = 0
  for (const [index, frame] of parcel.frames.entries()) {
    if (stall !== undefined && "events" in stall && stall.events === index) return yield* Effect.never
    if (cut !== undefined && "events" in cut && cut.events === index) return yield* wire.cut()
    if (index > 0 && delay > 0) yield* Effect.sleep(delay)
    if (index === parcel.frames.length - 1) parcel.onEnd?.()
    const bytes = typeof frame === "string" ? Buffer.from(frame) : frame
    const room = Math.min(roomIn(cut), roomIn(stall)) - sent
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes
    yield* sendPieces(carrier, part, manner)
    sent += part.length
    if (bytes.length > room) return yield* endEarly(carrier, roomIn(stall) <= roomIn(cut))
  }
  if (stall !== undefined) return yield* Effect.never
  if (cut !== undefined) return yield* wire.cut()
  yield* wire.end()
})

const roomIn = (place: Rule["cut"]): number =>
  place !== undefined && "bytes" in place ? place.bytes : Number.POSITIVE_INFINITY

const endEarly = (carrier: Carrier, isStall: boolean): Effect.Effect<void> =>
  isStall ? Effect.never : carrier.wire.cut()

const sendPieces = Effect.fnUntraced(function* (carrier: Carrier, bytes: Uint8Array, { pause = 0, split = 0 }: Manner) {
  record(carrier, bytes)
  if (pause === 0) {
    yield* carrier.wire.setSplit(split)
    return yield* carrier.wire.write(bytes)
  }
  const size = split === 0 ? Math.max(1, bytes.length) : split
  for (let from = 0; from < bytes.length; from += size) {
    if (from > 0 || carrier.sighting.sentBytes > 0) yield* Effect.sleep(pause)
    yield* carrier.wire.write(bytes.subarray(from, from + size))
  }
})

const record = ({ sighting }: Carrier, bytes: Uint8Array): void => {
  const room = MAX_RECORDED - sighting.answer.length
  if (room > 0)
    sighting.answer += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8").slice(0, room)
}
