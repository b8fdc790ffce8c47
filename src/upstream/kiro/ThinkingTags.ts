/**
 * ThinkingTags: takes the first `<thinking>…</thinking>` out of an answer's text, however the text is cut.
 *
 * Models that were asked to think by instruction write their thinking into the text. A model may also write *about*
 * the tags, so not every occurrence is one:
 *
 * - An opening tag does not stand next to a quoting or punctuation character, unless the answer begins with it. A
 *   newline right behind it is dropped, and so is blank text before it.
 * - A closing tag does not follow a quotation mark, and an empty line comes after it, which is dropped; or nothing
 *   but whitespace until the text ends or is interrupted.
 *
 * All that follows the first block is text.
 */
import type { ResponsePart } from "../../message/ResponsePart.ts"

const OPEN = "<thinking>"
const CLOSE = "</thinking>"
const CLOSE_TAIL = "\n\n"
const PUNCTUATION = new Set("`\"'\\#!@$%^&*()-_=+[]{};:<>,.?/")
/** Fewer than before an opening tag: a thought may well end with a full stop or a bracket. */
const QUOTATION = new Set("`\"'\\")

/** Longest blank beginning that waits for an opening tag; a longer one is text. Characters. */
const MAX_BLANK_START = 256
/** Longest whitespace behind a closing tag that waits for the end of the text. Characters. */
const MAX_BLANK_END = 64

type Emit = (part: ResponsePart) => void

/** Holds back at most a tag and the whitespace that may belong to it: fewer than 300 characters. */
export class ThinkingTags {
  #phase: "before" | "inside" | "after"
  #held = ""
  /** The character before `#held`; empty at the beginning of a text. */
  #previous = ""
  /** Whether all there was of this text so far is blank, and held. */
  #isBlankSoFar = true
  #dropsNewline = false

  /** @param isEnabled false: everything is text */
  constructor(isEnabled: boolean) {
    this.#phase = isEnabled ? "before" : "after"
  }

  /** The next text, in order. */
  push(text: string, emit: Emit): void {
    if (this.#phase === "after") {
      emitText(text, emit)
      return
    }
    this.#held = this.#held === "" ? text : this.#held + text
    this.#advance(false, emit)
  }

  /** The text ends here, or something else comes between; gives out what was held. */
  interrupt(emit: Emit): void {
    if (this.#phase === "after") return
    this.#advance(true, emit)
    this.#previous = ""
    this.#isBlankSoFar = true
  }

  /** Gives out what was held and looks for tags no more: for an answer whose thinking comes by other means. */
  disable(emit: Emit): void {
    this.interrupt(emit)
    this.#phase = "after"
  }

  #advance(isEnd: boolean, emit: Emit): void {
    if (this.#phase === "before") this.#seekOpen(isEnd, emit)
    if (this.#phase === "inside") this.#seekClose(isEnd, emit)
    if (this.#phase === "after") {
      emitText(this.#held, emit)
      this.#held = ""
    }
  }

  #seekOpen(isEnd: boolean, emit: Emit): void {
    const held = this.#held
    let tag = held.indexOf(OPEN)
    while (tag !== -1) {
      const next = tag + OPEN.length
      const isFirst = this.#isBlankSoFar && tag <= MAX_BLANK_START && isBlank(held, 0, tag)
      if (!isFirst && !isEnd && next === held.length) break
      if (isFirst || !(PUNCTUATION.has(this.#before(tag)) || PUNCTUATION.has(held.charAt(next)))) {
        if (!isFirst) emitText(held.slice(0, tag), emit)
        this.#phase = "inside"
        this.#dropsNewline = true
        this.#keep(next)
        return
      }
      tag = held.indexOf(OPEN, next)
    }
    const end = tag !== -1 ? tag : isEnd ? held.length : held.length - partial(held, OPEN)
    if (this.#isBlankSoFar && !isEnd && end <= MAX_BLANK_START && isBlank(held, 0, end)) return
    if (end > 0) this.#isBlankSoFar = false
    emitText(held.slice(0, end), emit)
    this.#keep(end)
  }

  #seekClose(isEnd: boolean, emit: Emit): void {
    if (this.#dropsNewline && this.#held !== "") {
      if (this.#held.startsWith("\n")) this.#keep(1)
      this.#dropsNewline = false
    }
    const held = this.#held
    let tag = held.indexOf(CLOSE)
    while (tag !== -1) {
      const next = tag + CLOSE.length
      if (!QUOTATION.has(this.#before(tag))) {
        const isClosed = held.startsWith(CLOSE_TAIL, next)
        const isOpenEnded = held.length - next <= MAX_BLANK_END && isBlank(held, next, held.length)
        if (isClosed || (isOpenEnded && isEnd)) {
          emitThinking(held.slice(0, tag), emit)
          this.#phase = "after"
          this.#keep(isClosed ? next + CLOSE_TAIL.length : held.length)
          return
        }
        if (isOpenEnded) break
      }
      tag = held.indexOf(CLOSE, next)
    }
    const end = tag !== -1 ? tag : isEnd ? held.length : held.length - partial(held, CLOSE)
    emitThinking(held.slice(0, end), emit)
    this.#keep(end)
    if (isEnd) this.#phase = "after"
  }

  #before(at: number): string {
    return at > 0 ? this.#held.charAt(at - 1) : this.#previous
  }

  /** Forgets what lies before `from`. */
  #keep(from: number): void {
    this.#previous = this.#before(from)
    this.#held = this.#held.slice(from)
  }
}

/** How many characters at the end of `text` may be the beginning of `tag`, whose first character it has only once. */
const partial = (text: string, tag: string): number => {
  const at = text.lastIndexOf("<")
  return at !== -1 && text.length - at < tag.length && tag.startsWith(text.slice(at)) ? text.length - at : 0
}

const isBlank = (text: string, start: number, end: number): boolean => {
  for (let at = start; at < end; at++) {
    if (!" \n\t\r".includes(text.charAt(at))) return false
  }
  return true
}

const emitText = (text: string, emit: Emit): void => {
  if (text !== "") emit({ kind: "text", text })
}

const emitThinking = (text: string, emit: Emit): void => {
  if (text !== "") emit({ kind: "thinking", text })
}
