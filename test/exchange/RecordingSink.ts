/**
 * RecordingSink: a client's socket that remembers what it was told.
 */
import type { MessageEvent } from "../../src/message/MessageEvent.ts"
import type { AnswerHead, EventSink } from "../../src/exchange/Relay.ts"

export interface RecordingSink extends EventSink {
  /** Types of events, `open` and `ping`, in order. */
  readonly log: Array<string>
  readonly events: Array<MessageEvent>
  readonly heads: Array<AnswerHead>
  readonly resume: () => void
  /** The client has no room from now on, or again. */
  room: boolean
}

export const makeSink = (): RecordingSink => {
  const log: Array<string> = []
  const events: Array<MessageEvent> = []
  const heads: Array<AnswerHead> = []
  let resume = (): void => {}
  const sink: RecordingSink = {
    log,
    events,
    heads,
    room: true,
    resume: () => resume(),
    open: (head, again) => {
      log.push("open")
      heads.push({ ...head })
      resume = again
    },
    ping: () => {
      log.push("ping")
    },
    pass: (bytes) => {
      log.push(new TextDecoder().decode(bytes))
      return sink.room
    },
    write: (written) => {
      for (const event of written) {
        log.push(event.type)
        events.push(event)
      }
      return sink.room
    }
  }
  return sink
}
