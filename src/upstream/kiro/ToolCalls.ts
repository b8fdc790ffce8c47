/**
 * ToolCalls: puts the fragments of an answer's tool calls together.
 *
 * The client's own tools are passed on as they come. Tools that the gateway runs are collected whole first.
 */
import type { ResponsePart } from "../../message/ResponsePart.ts"

/** A call of one of the gateway's own tools, ready to run. */
export interface ServerCall {
  /** The upstream's id, to answer it with. */
  readonly toolUseId: string
  /** The id the client sees. */
  readonly id: string
  readonly name: string
  readonly input: unknown
}

/** Longest input of one of the gateway's own tools. Characters; a longer one breaks the answer. */
export const MAX_SERVER_INPUT = 64 * 1024
/** Longest inputs of all calls of one answer together. Characters; more breaks the answer. */
export const MAX_INPUTS = 4 * 1024 * 1024
/** Most calls in one answer; one more breaks it. */
export const MAX_CALLS = 1024

interface Call {
  readonly name: string
  readonly isServer: boolean
  json: string
  isStopped: boolean
}

type Emit = (part: ResponsePart) => void

export class ToolCalls {
  readonly #clientNames: ReadonlyMap<string, string>
  readonly #serverTools: ReadonlySet<string>
  readonly #calls = new Map<string, Call>()
  readonly #serverCalls: Array<ServerCall> = []
  #inputs = 0
  #isTruncated = false
  #hasClientCalls = false

  /**
   * @param toolNames the client's names by the names sent
   * @param serverTools names, as sent, of the tools that the gateway runs
   */
  constructor(toolNames: ReadonlyMap<string, string>, serverTools: ReadonlySet<string>) {
    this.#clientNames = toolNames
    this.#serverTools = serverTools
  }

  /** Whether a call was never ended, or its input is not JSON: the answer was cut off there. */
  get isTruncated(): boolean {
    return this.#isTruncated
  }

  get hasClientCalls(): boolean {
    return this.#hasClientCalls
  }

  /** The gateway's own calls whose input is whole, in order. */
  get serverCalls(): ReadonlyArray<ServerCall> {
    return this.#serverCalls
  }

  /** Whether the payload goes on with a call that has begun. */
  isOpen(payload: Readonly<Record<string, unknown>>): boolean {
    const id = payload["toolUseId"]
    return typeof id === "string" && this.#calls.has(id)
  }

  /**
   * Takes one `toolUseEvent`.
   *
   * @returns what is wrong with it, or null
   */
  push(payload: Readonly<Record<string, unknown>>, emit: Emit): string | null {
    const { toolUseId: id, name, input, stop } = payload
    if (typeof id !== "string" || id === "") return "a toolUseEvent has no toolUseId"
    let call = this.#calls.get(id)
    if (call === undefined) {
      if (typeof name !== "string" || name === "") return "a toolUseEvent has no name"
      if (this.#calls.size === MAX_CALLS) return `more than ${MAX_CALLS} tool calls`
      call = this.#begin(id, name, emit)
    }
    if (call.isStopped) return null
    const json = fragment(input)
    if (json !== "") {
      call.json += json
      this.#inputs += json.length
      if (this.#inputs > MAX_INPUTS || (call.isServer && call.json.length > MAX_SERVER_INPUT))
        return "a tool's input is too long"
      if (!call.isServer) emit({ kind: "tool_input", id, json })
    }
    if (stop === true) this.#stop(id, call, emit)
    return null
  }

  /** Ends what is still open: those calls are truncated. */
  end(emit: Emit): void {
    for (const [id, call] of this.#calls) {
      if (call.isStopped) continue
      this.#isTruncated = true
      call.isStopped = true
      if (!call.isServer) emit({ kind: "tool_stop", id })
    }
  }

  #begin(id: string, sentName: string, emit: Emit): Call {
    const isServer =
      this.#serverTools.has(sentName) || this.#serverTools.has(lookUp(this.#serverTools.keys(), sentName))
    const name =
      this.#clientNames.get(sentName) ?? this.#clientNames.get(lookUp(this.#clientNames.keys(), sentName)) ?? sentName
    const call: Call = { name, isServer, json: "", isStopped: false }
    this.#calls.set(id, call)
    if (!isServer) {
      this.#hasClientCalls = true
      emit({ kind: "tool_start", id, name })
    }
    return call
  }

  #stop(id: string, call: Call, emit: Emit): void {
    call.isStopped = true
    const input = call.json === "" ? {} : parse(call.json)
    call.json = ""
    if (input === undefined) this.#isTruncated = true
    if (!call.isServer) {
      emit({ kind: "tool_stop", id })
    } else if (input !== undefined) {
      const serverCall = { toolUseId: id, id: serverId(id), name: call.name, input }
      this.#serverCalls.push(serverCall)
      emit({ kind: "server_tool", id: serverCall.id, name: call.name, input })
    }
  }
}

/** A fragment of JSON text; an object comes whole, and an empty one says no more than nothing does. */
const fragment = (input: unknown): string => {
  if (typeof input === "string") return input
  if (typeof input !== "object" || input === null || Object.keys(input).length === 0) return ""
  return JSON.stringify(input)
}

/** The value of a JSON text, or undefined where it is none. */
const parse = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** The one of the names that is `name` but for its case; else `name`. */
const lookUp = (names: Iterable<string>, name: string): string => {
  const lower = name.toLowerCase()
  for (const candidate of names) {
    if (candidate.toLowerCase() === lower) return candidate
  }
  return name
}

/** In the form that Anthropic's clients expect of ids of server tools. */
const serverId = (id: string): string => `srvtoolu_${id.replace(/^tooluse_/, "").replace(/[^A-Za-z0-9_]/g, "_")}`
