/**
 * SinkRecorder: a client's side of an answer that remembers what it was told, and may have no room.
 */
import { Deferred, Effect } from "effect"
import type { Used } from "../message/Usage.ts"
import type { ContentSink } from "../upstream/UpstreamProvider.ts"

export interface Recorder {
  readonly sink: ContentSink
  /** `open`, `begun` and `content`, in order; repeated content is one. */
  readonly log: ReadonlyArray<string>
  /** Pieces of content. */
  readonly shown: number
  /** As they are passed, or as their JSON. */
  readonly bytes: number
  /** What is used by now, or null where no answer has begun. */
  readonly soFar: Used | null
  /** What is wrong with the order of the events, or null. */
  readonly problem: string | null
  /** From now on there is room. */
  readonly makeRoom: () => void
}

export interface RecorderOptions {
  /** There is no room after the first content; done with what resumes. */
  readonly full?: Deferred.Deferred<() => void>
}

export const makeRecorder = ({ full }: RecorderOptions = {}): Recorder => {
  const log: Array<string> = []
  let room = full === undefined
  let resume = (): void => {}
  let shown = 0
  let bytes = 0
  let read: (() => Used) | null = null
  let problem: string | null = null
  let next = 0
  let isOpen = false
  const content = (length: number): boolean => {
    if (log.at(-1) !== "content") log.push("content")
    shown++
    bytes += length
    if (!room && full !== undefined) Deferred.doneUnsafe(full, Effect.succeed(resume))
    return room
  }
  const order = (type: string, index: number): void => {
    const isRight = type === "content_block_start" ? !isOpen && index === next : isOpen && index === next
    if (!isRight) problem ??= `${type} ${index} came where block ${next} was ${isOpen ? "open" : "to begin"}`
    if (type === "content_block_start") isOpen = true
    if (type === "content_block_stop") {
      isOpen = false
      next = index + 1
    }
  }
  return {
    sink: {
      open: (again) => {
        log.push("open")
        resume = again
      },
      begun: (soFar) => {
        log.push("begun")
        read = soFar
      },
      write: (events) => {
        for (const event of events) order(event.type, event.index)
        return content(JSON.stringify(events).length)
      },
      pass: (passed) => content(passed.length)
    },
    get log() {
      return log
    },
    get shown() {
      return shown
    },
    get bytes() {
      return bytes
    },
    get soFar() {
      return read === null ? null : read()
    },
    get problem() {
      return problem
    },
    makeRoom: () => {
      room = true
    }
  }
}
