/**
 * EventListeners: who listens to live changes, each with a bounded buffer of its own.
 *
 * Nobody is waited for: one that reads slower than changes come is cut once its buffer is full. It then still gets what
 * its buffer holds, and a last event that says so.
 */
import { Effect, Latch, Stream } from "effect"
import { event } from "./SseAnswer.ts"

/** Events that a listener may lag behind by. */
export const buffered = 256
/** Listeners at a time. */
export const mostListeners = 32

/** Why a stream of events ends by itself. */
export type CutReason = "slow" | "stopping"

class Listener {
  waiting: Array<string> = []
  cut: CutReason | null = null
  /** Open while there is something to read. */
  readonly news = Latch.makeUnsafe(false)
}

export class EventListeners {
  readonly #listeners = new Set<Listener>()
  #lastId = 0
  #stopped = false

  get size(): number {
    return this.#listeners.size
  }

  /** Gives everybody an event. It is written only where somebody listens; ids count up all the same. */
  tell(name: string, data: () => unknown): void {
    const id = ++this.#lastId
    if (this.#listeners.size === 0) return
    const text = event(name, data(), id)
    for (const listener of this.#listeners) {
      if (listener.cut !== null) continue
      if (listener.waiting.length >= buffered) listener.cut = "slow"
      else listener.waiting.push(text)
      listener.news.openUnsafe()
    }
  }

  /** Ends every stream, those that are asked for later too. */
  stop(): void {
    this.#stopped = true
    for (const listener of this.#listeners) {
      listener.cut ??= "stopping"
      listener.news.openUnsafe()
    }
  }

  /**
   * The text of events from now on, as it is read; null where as many listen as may. Whoever asks counts as a listener
   * from then until the stream ends, so it is to be run.
   */
  listen(): Stream.Stream<string> | null {
    if (this.#listeners.size >= mostListeners) return null
    const listener = new Listener()
    if (this.#stopped) {
      listener.cut = "stopping"
      listener.news.openUnsafe()
    }
    this.#listeners.add(listener)
    return Stream.fromEffectRepeat(listener.news.await.pipe(Effect.map(() => read(listener)))).pipe(
      Stream.takeUntil(({ isLast }) => isLast),
      Stream.map(({ text }) => text),
      Stream.ensuring(Effect.sync(() => this.#listeners.delete(listener)))
    )
  }
}

const read = (listener: Listener): { readonly text: string; readonly isLast: boolean } => {
  const { cut, news, waiting } = listener
  listener.waiting = []
  if (cut === null) news.closeUnsafe()
  return { text: waiting.join("") + (cut === null ? "" : event("cut", { reason: cut })), isLast: cut !== null }
}
