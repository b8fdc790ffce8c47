/**
 * Playback: a script's steps, played as the event stream of one answer.
 *
 * Steps that fail before the first event are HTTP answers; the same steps later are exception frames. Whatever a script
 * leaves open is closed: usage unless it was sent, then the end of the body.
 */
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import { errorBody } from "./AwsError.ts"
import { corrupted, errorFrame, eventFrame, exceptionFrame } from "./KiroFrames.ts"
import { metering, type TokenUsage, tokenUsage, type UsageBasis } from "./ReportedUsage.ts"
import type { Pace, Step } from "./Script.ts"
import { signatureOf } from "./Signatures.ts"
import { failing, playTransport } from "./Transport.ts"
import type { Wire } from "./Wire.ts"

/** What an answer needs beside its steps. */
export interface Performance {
  readonly conversationId: string
  /** Everything usage is computed from except the output. */
  readonly basis: UsageBasis
  /** Called once, just before the headers of a streamed answer go out. */
  readonly onBegin: () => void
  /** Called with every signature sent and the text it is for. */
  readonly onSignature: (signature: string, text: string | null) => void
  /** Called at the end with the usage and the credits that were or would have been reported. */
  readonly onCount: (usage: TokenUsage, credits: number) => void
}

/** Plays all steps; ends when the answer has. */
export const play = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>, wire: Wire, performance: Performance) {
  const player = new Player(wire, performance)
  for (const step of steps) {
    if (wire.over) return
    yield* player.step(step)
  }
  if (!wire.over) yield* player.close()
})

class Player {
  readonly #wire: Wire
  readonly #performance: Performance
  #outputBytes = 0
  #usageSent = false

  constructor(wire: Wire, performance: Performance) {
    this.#wire = wire
    this.#performance = performance
  }

  step(step: Step): Effect.Effect<void> {
    if ("headersDelay" in step && this.#wire.begun) return Effect.sleep(step.headersDelay)
    if (this.#wire.begun) {
      if ("fail" in step) return this.step(failing(step))
      if ("http" in step) return this.#exception(step.http.type ?? "InternalServerException", step.http)
      if ("masked" in step) return this.#exception(step.masked.type.replace(/^.*#/, ""), step.masked)
    }
    return Effect.flatMap(playTransport(step, this.#wire), (done) => (done ? Effect.void : this.#event(step)))
  }

  /** Usage, unless a step sent it, and the end of the body. */
  close(): Effect.Effect<void> {
    if (this.#usageSent) return this.#finish()
    const { contextUsagePercentage } = this.#usage()
    return Effect.andThen(
      Effect.andThen(
        this.#send("contextUsageEvent", { contextUsagePercentage }),
        this.#send("meteringEvent", this.#metering())
      ),
      Effect.andThen(this.#send("metadataEvent", { tokenUsage: this.#usage() }), this.#finish())
    )
  }

  #event(step: Step): Effect.Effect<void> {
    if ("text" in step) return this.#text(step)
    if ("thinking" in step) return this.#thinking(step.thinking, step.signature, step)
    if ("signature" in step) return this.#signature(step.signature, null)
    if ("tagged" in step) return this.#text({ ...step, text: `<thinking>${step.tagged}</thinking>\n\n` })
    if ("redacted" in step) return this.#send("reasoningContentEvent", { redactedContent: step.redacted })
    if ("tool" in step) return this.#tool(step)
    if ("metadataEvent" in step) {
      return this.#sendUsage("metadataEvent", { tokenUsage: { ...this.#usage(), ...replacing(step.metadataEvent) } })
    }
    if ("tokenUsageEvent" in step) {
      return this.#sendUsage("tokenUsageEvent", { ...this.#usage(), ...replacing(step.tokenUsageEvent) })
    }
    if ("contextUsageEvent" in step) {
      const given = step.contextUsageEvent
      const contextUsagePercentage = given === true ? this.#usage().contextUsagePercentage : given
      return this.#sendUsage("contextUsageEvent", { contextUsagePercentage })
    }
    if ("meteringEvent" in step) {
      const given = step.meteringEvent
      return this.#sendUsage("meteringEvent", given === true ? this.#metering() : { ...this.#metering(), usage: given })
    }
    if ("frame" in step) return this.#send(step.frame, step.payload)
    if ("exception" in step) return this.#exception(step.exception, step)
    if ("error" in step) {
      return Effect.andThen(this.#raw(errorFrame(step.error, step.message ?? step.error)), this.#wire.end())
    }
    if ("invalidState" in step) {
      return this.#send("invalidStateEvent", { reason: "INVALID_TASK_ASSIST_PLAN", message: step.invalidState })
    }
    if ("corrupt" in step) return this.#raw(corrupted(this.#sample(), step.corrupt))
    if ("truncate" in step) return Effect.andThen(this.#raw(half(this.#sample())), this.#wire.end())
    if ("cut" in step) return Effect.andThen(this.#raw(half(this.#sample())), this.#wire.cut())
    if ("delay" in step) {
      return Effect.suspend(() => {
        this.#begin()
        return Effect.andThen(this.#wire.flush(), Effect.sleep(step.delay))
      })
    }
    return "end" in step ? this.#finish() : Effect.void
  }

  #text(
    step: Pace & { readonly text: string; readonly repeat?: number; readonly modelId?: string }
  ): Effect.Effect<void> {
    const origin = step.modelId === undefined ? {} : { modelId: step.modelId }
    const pieces = cut(step.text, step.chunk)
    const once = this.#paced(pieces, step.delay, (content) => {
      this.#outputBytes += Buffer.byteLength(content)
      return this.#send("assistantResponseEvent", { content, ...origin })
    })
    return step.repeat === undefined ? once : Effect.repeat(once, { times: step.repeat - 1 }).pipe(Effect.asVoid)
  }

  #thinking(text: string, signature: string | null | undefined, pace: Pace): Effect.Effect<void> {
    const said = this.#paced(cut(text, pace.chunk), pace.delay, (piece) => {
      this.#outputBytes += Buffer.byteLength(piece)
      return this.#send("reasoningContentEvent", { text: piece })
    })
    return signature === null ? said : Effect.andThen(said, this.#signature(signature ?? signatureOf(text), text))
  }

  #signature(signature: string, text: string | null): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#performance.onSignature(signature, text)
      return this.#send("reasoningContentEvent", { signature })
    })
  }

  #tool(step: Extract<Step, { readonly tool: string }>): Effect.Effect<void> {
    const call = { name: step.tool, toolUseId: step.id ?? `tooluse_${randomUUID().replaceAll("-", "").slice(0, 22)}` }
    const input = typeof step.input === "string" ? step.input : (JSON.stringify(step.input ?? {}) ?? "{}")
    const fragments = this.#paced(cut(input, step.chunk), step.delay, (piece) => {
      this.#outputBytes += Buffer.byteLength(piece)
      return this.#send("toolUseEvent", { input: piece, ...call })
    })
    const begun = Effect.andThen(this.#send("toolUseEvent", call), fragments)
    return step.stop === false ? begun : Effect.andThen(begun, this.#send("toolUseEvent", { ...call, stop: true }))
  }

  #paced(
    pieces: ReadonlyArray<string>,
    delay: number | undefined,
    send: (piece: string) => Effect.Effect<void>
  ): Effect.Effect<void> {
    const wait = delay === undefined || delay === 0 ? null : Effect.andThen(this.#wire.flush(), Effect.sleep(delay))
    return Effect.forEach(
      pieces,
      (piece, index) => (wait === null || index === 0 ? send(piece) : Effect.flatMap(wait, () => send(piece))),
      { discard: true }
    )
  }

  #exception(type: string, fault: { readonly message?: string; readonly reason?: string }): Effect.Effect<void> {
    const payload = errorBody({
      message: fault.message ?? "",
      ...(fault.reason === undefined ? {} : { reason: fault.reason })
    })
    return Effect.andThen(this.#raw(exceptionFrame(type, payload)), this.#wire.end())
  }

  #sendUsage(type: string, payload: unknown): Effect.Effect<void> {
    this.#usageSent = true
    return this.#send(type, payload)
  }

  #send(type: string, payload: unknown): Effect.Effect<void> {
    return Effect.suspend(() => this.#raw(eventFrame(type, payload)))
  }

  #raw(bytes: Uint8Array): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#begin()
      return this.#wire.write(bytes)
    })
  }

  #begin(): void {
    if (this.#wire.begun) return
    this.#performance.onBegin()
    this.#wire.begin(200, {
      "content-type": "application/vnd.amazon.eventstream",
      "x-amzn-codewhisperer-conversation-id": this.#performance.conversationId,
      "x-amzn-requestid": randomUUID()
    })
  }

  #finish(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#begin()
      this.#performance.onCount(this.#usage(), this.#metering().usage)
      return this.#wire.end()
    })
  }

  #usage() {
    return tokenUsage(this.#performance.basis, Math.ceil(this.#outputBytes / 4))
  }

  #metering() {
    return metering(this.#performance.basis, this.#usage())
  }

  /** A frame to break. */
  #sample(): Uint8Array {
    return eventFrame("assistantResponseEvent", { content: "This text is never whole." })
  }
}

const replacing = (given: true | Readonly<Record<string, unknown>>) => (given === true ? {} : given)

const half = (frame: Uint8Array): Uint8Array => frame.subarray(0, Math.floor(frame.length / 2))

/** Cuts between characters, never inside one. */
const cut = (text: string, size: number | undefined): ReadonlyArray<string> => {
  if (size === undefined || size === 0 || text.length <= size) return text === "" ? [] : [text]
  const characters = Array.from(text)
  return Array.from({ length: Math.ceil(characters.length / size) }, (_, index) =>
    characters.slice(index * size, (index + 1) * size).join("")
  )
}
