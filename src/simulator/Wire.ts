/**
 * Wire: one answer on its way to the socket, piece by piece.
 *
 * A write waits until the socket takes more, so a slow client slows the script. When the client goes away the fiber
 * that writes is interrupted.
 */
import { Effect } from "effect"
import type { ServerResponse } from "node:http"
import type { Kept } from "./Observation.ts"

/** Frames collected before a write, at most, whatever a script asks for. */
const MAX_BATCH = 10_000

export class Wire {
  readonly #response: ServerResponse
  readonly #sighting: Kept
  readonly #waiting: Array<Uint8Array> = []
  #batch = 0
  #split = 0

  constructor(response: ServerResponse, sighting: Kept) {
    this.#response = response
    this.#sighting = sighting
  }

  /** Whether headers have gone out. */
  get begun(): boolean {
    return this.#response.headersSent
  }

  /** Whether nothing more can be said. */
  get over(): boolean {
    return this.#response.writableEnded || this.#response.destroyed
  }

  /** From now on so many frames make one write; 0: each its own. */
  setBatch(frames: number): Effect.Effect<void> {
    this.#batch = Math.min(frames, MAX_BATCH)
    return this.flush()
  }

  /** From now on a write has at most so many bytes; 0: no limit. */
  setSplit(bytes: number): Effect.Effect<void> {
    return Effect.map(this.flush(), () => {
      this.#split = bytes
    })
  }

  /** Sends the headers, once. */
  begin(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.begun || this.over) return
    this.#response.writeHead(status, headers)
    this.#response.flushHeaders()
    this.#sighting.status = status
  }

  /** Sends bytes, or keeps them for the batch. */
  write(bytes: Uint8Array): Effect.Effect<void> {
    if (this.#batch === 0) return this.#send(bytes)
    this.#waiting.push(bytes)
    return this.#waiting.length < this.#batch ? Effect.void : this.flush()
  }

  /** Sends what waits for the batch to fill. */
  flush(): Effect.Effect<void> {
    return this.#waiting.length === 0 ? Effect.void : this.#send(Buffer.concat(this.#waiting.splice(0)))
  }

  /** A whole answer at once. */
  answer(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.begun || this.over) return Effect.void
      this.#response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) })
      this.#sighting.status = status
      return Effect.andThen(this.#send(typeof body === "string" ? Buffer.from(body) : body), this.end())
    })
  }

  /** The end of the body. */
  end(): Effect.Effect<void> {
    return Effect.map(this.flush(), () => {
      if (this.over) return
      this.#sighting.ending = "complete"
      this.#response.end()
    })
  }

  /** Closes the socket after what was written has left. */
  cut(): Effect.Effect<void> {
    return Effect.andThen(
      this.flush(),
      Effect.callback<void>((resume) => {
        if (this.over) return resume(Effect.void)
        this.#sighting.ending = "cut"
        this.#response.once("close", () => resume(Effect.void))
        // Not `response.destroy()`: bytes that the socket still holds must reach the client first.
        this.#response.socket?.destroySoon()
      })
    )
  }

  /** To be called when the answer is done with, however that came about. */
  release(): void {
    if (this.#sighting.ending === "open") this.#sighting.ending = "disconnected"
    if (!this.over) this.#response.destroy()
  }

  #send(bytes: Uint8Array): Effect.Effect<void> {
    if (this.#split === 0 || bytes.length <= this.#split) return this.#put(bytes)
    const pieces = Array.from({ length: Math.ceil(bytes.length / this.#split) }, (_, index) =>
      bytes.subarray(index * this.#split, (index + 1) * this.#split)
    )
    // A turn of the event loop between writes lets each become a packet of its own.
    return Effect.forEach(pieces, (piece) => Effect.andThen(this.#put(piece), nextTurn), { discard: true })
  }

  #put(bytes: Uint8Array): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.over) return Effect.interrupt
      if (bytes.length === 0) return Effect.void
      this.#sighting.sentBytes += bytes.length
      return this.#response.write(bytes) ? Effect.void : this.#drained()
    })
  }

  #drained(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const settle = (outcome: Effect.Effect<void>) => () => {
        forget()
        resume(outcome)
      }
      const onDrain = settle(Effect.void)
      const onClose = settle(Effect.interrupt)
      const forget = () => this.#response.off("drain", onDrain).off("close", onClose)
      this.#response.on("drain", onDrain).on("close", onClose)
      return Effect.sync(forget)
    })
  }
}

const nextTurn = Effect.callback<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})
