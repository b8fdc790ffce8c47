/**
 * KiroCachePoints: cache points where the client's breakpoints are, as many as the model takes. Pure.
 *
 * A point stands behind a whole message or tool, so that a breakpoint moves to the end of what holds it. Where there are
 * more than the model takes, those nearest to the end stay: their prefixes hold the others'.
 */
import type { KiroChatMessage, KiroTool, KiroUserMessage } from "./KiroModel.ts"

/** The upstream knows one kind, without a lifetime. */
const point = { type: "default" } as const

/** What may carry cache points, in the order in which it is cached. */
export interface Carriers {
  readonly tools: ReadonlyArray<KiroTool>
  readonly history: ReadonlyArray<KiroChatMessage>
  readonly current: KiroUserMessage
}

/** Which of them the client marked, by their places. */
export interface Marks {
  readonly tools: ReadonlySet<number>
  readonly history: ReadonlySet<number>
  readonly current: boolean
}

/** A tool, or a point behind the tools before it. */
export type KiroToolOrPoint = KiroTool | { readonly cachePoint: typeof point }

/** How many points there would be without a limit. */
const countOf = ({ current, history, tools }: Marks): number => tools.size + history.size + (current ? 1 : 0)

/** @param maximum the most that the model takes */
export const withCachePoints = (carriers: Carriers, marks: Marks, maximum: number) => {
  let surplus = Math.max(0, countOf(marks) - Math.max(0, maximum))
  const keeps = (isMarked: boolean): boolean => {
    if (!isMarked) return false
    if (surplus === 0) return true
    surplus--
    return false
  }
  const tools = carriers.tools.flatMap((tool, index): ReadonlyArray<KiroToolOrPoint> =>
    keeps(marks.tools.has(index)) ? [tool, { cachePoint: point }] : [tool]
  )
  const history = carriers.history.map((message, index) =>
    keeps(marks.history.has(index)) ? marked(message) : message
  )
  const current = keeps(marks.current) ? { ...carriers.current, cachePoint: point } : carriers.current
  return { tools, history, current }
}

const marked = (message: KiroChatMessage): KiroChatMessage =>
  "userInputMessage" in message
    ? { userInputMessage: { ...message.userInputMessage, cachePoint: point } }
    : { assistantResponseMessage: { ...message.assistantResponseMessage, cachePoint: point } }
