/**
 * ReadJob: what a worker gets and gives, and the bounds that hold while it reads.
 *
 * The readers are plain code without Effect, so that a worker starts in milliseconds. A reader that meets something it
 * will not read stops with `refuse`; whatever else is thrown means that the file is broken.
 */

/** The formats that have a reader. */
export type ReadFormat = "pdf" | "docx" | "xlsx" | "html"

/** One document, and how much of it may come out. */
export interface ReadJob {
  readonly format: ReadFormat
  readonly data: { readonly kind: "base64"; readonly base64: string } | { readonly kind: "text"; readonly text: string }
  /** Most bytes that all parts of a package may decompress to. */
  readonly maxInflatedBytes: number
  /** Most text. UTF-16 units. */
  readonly maxTextLength: number
}

/** What became of it. */
export type ReadOutcome = { readonly text: string } | { readonly problem: string }

const refusal = Symbol("refusal")

/** Stops the reading; the problem is told to the client and names no content. */
export const refuse = (problem: string): never => {
  throw new Error(problem, { cause: refusal })
}

/** The problem of a refusal, or null where the error is another one. */
export const refusedProblem = (error: unknown): string | null =>
  error instanceof Error && error.cause === refusal ? error.message : null

/** Gathers text and stops the reading once there is too much of it. */
export class TextSink {
  readonly #parts: Array<string> = []
  readonly #maxLength: number
  #length = 0

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  write(text: string): void {
    this.#length += text.length
    if (this.#length > this.#maxLength) {
      refuse(`the document holds more than ${this.#maxLength.toLocaleString("en")} characters of text`)
    }
    if (text !== "") this.#parts.push(text)
  }

  /** An empty one with the same bound. */
  another(): TextSink {
    return new TextSink(this.#maxLength)
  }

  /** All of it, without space at the ends of lines and of the text, and with at most one empty line in a row. */
  finish(): string {
    return this.#parts
      .join("")
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n")
      .replaceAll(/\n{3,}/g, "\n\n")
      .trim()
  }
}
