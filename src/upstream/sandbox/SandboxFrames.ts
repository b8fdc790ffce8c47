/**
 * SandboxFrames: an answer as the bytes of an event stream, as Kiro would send it.
 *
 * **Source:** AWS event stream encoding; union `ChatResponseStream` of AWS's published model.
 */
import { encodeFrame } from "../../codec/EventStreamFraming.ts"
import { TextCounter } from "../../message/TokenEstimate.ts"
import type { Answer } from "./SandboxAgent.ts"

/** Up to 24 characters for one event, never half of one. */
const piece = /[\s\S]{1,24}/gu
/** Tokens of the window whose share is told. */
const window = 1_000_000
/** Nothing can fill a window that is not there, and a full one would end the answer. Percent. */
const maxShare = 99

/**
 * The whole stream. Nothing is charged, and nothing comes out of a cache.
 *
 * @param inputTokens of the request
 */
export const encodeAnswer = ({ call, text, thinking }: Answer, inputTokens: number): Uint8Array => {
  const input = call === null ? "" : JSON.stringify(call.input)
  const counter = new TextCounter()
  for (const part of [thinking, text, input]) counter.add(part)
  const outputTokens = Math.max(1, counter.tokens)
  const totalTokens = inputTokens + outputTokens
  const frames = [
    ...pieces(thinking).map((text) => event("reasoningContentEvent", { text })),
    ...pieces(text).map((content) => event("assistantResponseEvent", { content }))
  ]
  if (call !== null) {
    const { id: toolUseId, name } = call
    frames.push(event("toolUseEvent", { toolUseId, name }))
    frames.push(...pieces(input).map((input) => event("toolUseEvent", { toolUseId, name, input })))
    frames.push(event("toolUseEvent", { toolUseId, name, stop: true }))
  }
  frames.push(
    event("contextUsageEvent", { contextUsagePercentage: Math.min(maxShare, (totalTokens / window) * 100) }),
    event("meteringEvent", { usage: 0, unit: "credit", unitPlural: "credits" }),
    event("metadataEvent", {
      tokenUsage: {
        uncachedInputTokens: inputTokens,
        outputTokens,
        totalTokens,
        cacheReadInputTokens: 0,
        cacheWriteInputTokens: 0
      }
    })
  )
  return Buffer.concat(frames)
}

const pieces = (text: string): ReadonlyArray<string> => text.match(piece) ?? []

const event = (type: string, payload: object): Uint8Array =>
  encodeFrame(
    [
      [":event-type", type],
      [":content-type", "application/json"],
      [":message-type", "event"]
    ],
    JSON.stringify(payload)
  )
