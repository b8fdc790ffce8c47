/**
 * KiroTurns: a conversation as turns of two sides that alternate.
 *
 * Anthropic's clients send messages in any order of roles; the upstream takes user and assistant strictly by turns.
 * So whatever is added goes to the last turn of its side, and a new turn begins only where the side changes.
 */
import type { KiroDocument, KiroImage, KiroReasoning } from "./KiroModel.ts"

/** A call of a tool, under the client's name for it. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly input: unknown
}

/** What a tool answered. */
export interface ToolAnswer {
  readonly id: string
  readonly text: string
  readonly isError: boolean
}

/** All that the user's side said between two turns of the assistant. */
export interface UserTurn {
  readonly role: "user"
  /** Text and tool answers, in order. */
  readonly parts: Array<string | ToolAnswer>
  readonly images: Array<KiroImage>
  readonly documents: Array<KiroDocument>
  /** Whether the client asks for the prompt to be cached up to somewhere in it. */
  isMarked: boolean
  /** Whether up to its very end, which is the client's own. */
  endsMarked: boolean
}

/** All that the assistant said between two turns of the user's side. */
export interface AssistantTurn {
  readonly role: "assistant"
  /** Text and tool calls, in order. */
  readonly parts: Array<string | ToolCall>
  reasoning: KiroReasoning | null
  isMarked: boolean
}

/** One side's turn. */
export type Turn = UserTurn | AssistantTurn

/** The user's turn that is still open, or a new one. */
export const userTurn = (turns: Array<Turn>): UserTurn => {
  const last = turns.at(-1)
  if (last?.role === "user") return last
  const turn: UserTurn = { role: "user", parts: [], images: [], documents: [], isMarked: false, endsMarked: false }
  turns.push(turn)
  return turn
}

/** The assistant's turn that is still open, or a new one. */
export const assistantTurn = (turns: Array<Turn>): AssistantTurn => {
  const last = turns.at(-1)
  if (last?.role === "assistant") return last
  const turn: AssistantTurn = { role: "assistant", parts: [], reasoning: null, isMarked: false }
  turns.push(turn)
  return turn
}

/** Sent where a turn of the assistant comes first: the upstream wants the user's side to begin. */
const opening = "(The conversation begins with the assistant.)"

/**
 * Sent after a turn of the assistant that comes last. Anthropic's models go on with such a "prefill" in mid-sentence;
 * this upstream always answers a user, so the words stay in the history and the model is asked to go on after them.
 */
const goOn = "Continue exactly where your last message ends: repeat none of it and put nothing before."

/** A conversation that begins and ends on the user's side. */
export interface Conversation {
  /** Before the current turn; empty, or from a user's turn to one of the assistant. */
  readonly earlier: ReadonlyArray<Turn>
  readonly current: UserTurn
  /** Whether the current turn is nothing but our sentence. */
  readonly goesOn: boolean
}

/** Makes turns that alternate begin and end on the user's side. */
export const closeTurns = (turns: Array<Turn>): Conversation => {
  if (turns[0]?.role === "assistant") {
    turns.unshift({ role: "user", parts: [opening], images: [], documents: [], isMarked: false, endsMarked: false })
  }
  const goesOn = turns.at(-1)?.role === "assistant"
  if (goesOn) userTurn(turns).parts.push(goOn)
  return { current: userTurn(turns), earlier: turns.slice(0, -1), goesOn }
}
