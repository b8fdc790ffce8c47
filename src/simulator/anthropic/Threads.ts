/**
 * Threads: conversations that the API holds for the account that made them.
 *
 * A thread goes on from the id of its last answer, once: what was continued, or is being continued, cannot be continued
 * again. Tools and system are those it was made with.
 *
 * **Source:** `thread` of the beta Messages API and the errors that `@anthropic-ai/sdk` 1.12 recovers from.
 */
import { Result } from "effect"
import { type ApiError, invalid, notFound } from "./ApiError.ts"
import type { MessagesBody } from "./MessagesBody.ts"

/** Answers kept; past this the oldest are forgotten. */
const MAX_ANSWERS = 1_000

interface Thread {
  readonly account: string
  /** The conversation up to and with the answer. */
  readonly messages: MessagesBody["messages"]
  readonly system: MessagesBody["system"]
  readonly tools: MessagesBody["tools"]
  /** Whether the answer leaves its turn open, so that nothing need be said. */
  readonly isOpen: boolean
  state: "last" | "continuing" | "continued"
}

export class Threads {
  readonly #byAnswer = new Map<string, Thread>()

  /** The whole conversation that a request stands for; nothing changes. */
  resolve(account: string, body: MessagesBody): Result.Result<MessagesBody, ApiError> {
    const { thread } = body
    if (thread?.type !== "continue") return Result.succeed(body)
    const id = thread.previous_message_id
    const known = this.#byAnswer.get(id)
    if (known?.account !== account) {
      return Result.fail(notFound(`thread: no thread ends with message ${id}`, { error_code: "thread_not_found" }))
    }
    if (known.state !== "last") {
      const isOver = known.state === "continued"
      return Result.fail(
        invalid(`thread: message ${id} ${isOver ? "was continued already" : "is being continued"}`, {
          error_code: isOver ? "thread_already_continued" : "thread_continue_in_flight"
        })
      )
    }
    const repeated = (["system", "tools"] as const).find((member) => body[member] !== undefined)
    if (repeated !== undefined) return Result.fail(invalid(`${repeated}: cannot be set when a thread is continued`))
    if (body.messages.length === 0 && !known.isOpen) {
      return Result.fail(invalid("messages: at least one message is required"))
    }
    const { system, tools } = known
    return Result.succeed({
      ...body,
      ...(system === undefined ? {} : { system }),
      ...(tools === undefined ? {} : { tools }),
      messages: [...known.messages, ...body.messages]
    })
  }

  /** From now until the function is called that is returned, the thread that a request continues is busy. */
  enter({ thread }: MessagesBody): () => void {
    const known = thread?.type === "continue" ? this.#byAnswer.get(thread.previous_message_id) : undefined
    if (known === undefined) return () => undefined
    known.state = "continuing"
    return () => {
      if (known.state === "continuing") known.state = "last"
    }
  }

  /** Keeps an answer that was given whole, where its request asked for that. */
  store(
    account: string,
    body: MessagesBody,
    answer: {
      readonly id: string
      readonly content: ReadonlyArray<{ readonly type: string }>
      readonly stop_reason: string | null
    }
  ): void {
    const { messages, system, thread, tools } = body
    if (thread === undefined || thread === null || answer.stop_reason === "refusal") return
    if (thread.type === "continue") {
      const known = this.#byAnswer.get(thread.previous_message_id)
      if (known !== undefined) known.state = "continued"
    }
    this.#byAnswer.set(answer.id, {
      account,
      messages: [...messages, { role: "assistant", content: answer.content }],
      system,
      tools,
      isOpen: answer.stop_reason === "pause_turn" || answer.stop_reason === "compaction",
      state: "last"
    })
    for (const oldest of this.#byAnswer.keys()) {
      if (this.#byAnswer.size <= MAX_ANSWERS) return
      this.#byAnswer.delete(oldest)
    }
  }
}
