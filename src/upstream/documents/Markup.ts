/**
 * Markup: tags and text of XML and HTML, one after the other.
 *
 * As lenient as text extraction can be: it builds no tree, checks no nesting and resolves no entity declarations, so
 * none can multiply. Text comes in pieces, and tags have a longest length, so that little is held at a time.
 */
import { decode } from "html-entities"

/** Gets what stands in the source, in order. Names come without prefix (`w:t` is `t`), those of HTML in lower case. */
export interface MarkupHandler {
  /** A start tag; of one that closes itself, `close` follows. */
  readonly open: (name: string, attributes: string) => void
  readonly close: (name: string) => void
  /** Text between tags, with its entities decoded; long text in several pieces. */
  readonly text: (text: string) => void
}

/** Elements of HTML whose content is not text for a reader: left out with all that is in them. */
const hidden = new Set(["script", "style", "template", "svg", "iframe", "noembed"])

/** Longest piece of text, in UTF-16 units of the source. */
const maxPiece = 64 * 1024
/** Longer than every entity's name: a piece is not cut within this distance of a `&`. */
const maxEntity = 40
/** Longest tag of XML; a longer one is broken. The attributes of HTML, which no one reads, may be longer. */
const maxTag = 64 * 1024

export const readMarkup = (source: string, kind: "xml" | "html", handler: MarkupHandler): void => {
  const level = kind === "xml" ? "xml" : "html5"
  let at = 0
  const skipTo = (end: string, from: number): number => {
    const found = source.indexOf(end, from)
    return found === -1 ? source.length : found + end.length
  }
  while (at < source.length) {
    const start = source.indexOf("<", at)
    const until = start === -1 ? source.length : start
    for (const piece of pieces(source, at, until)) handler.text(decode(piece, { level }))
    if (start === -1) return
    if (source.startsWith("<!--", start)) at = skipTo("-->", start + 4)
    else if (source.startsWith("<![CDATA[", start)) {
      at = skipTo("]]>", start + 9)
      for (const piece of pieces(source, start + 9, at - 3)) handler.text(piece)
    } else if (/[!?]/.test(source.charAt(start + 1))) at = skipTo(">", start)
    else if (!/[a-z_/]/i.test(source.charAt(start + 1))) {
      handler.text("<")
      at = start + 1
    } else {
      const end = tagEnd(source, start + 1)
      // What ends within a tag has no more text.
      if (end === -1) return
      if (kind === "xml" && end - start > maxTag) throw new RangeError("the tag is too long")
      at = end + 1
      const closing = source.charAt(start + 1) === "/"
      const first = start + (closing ? 2 : 1)
      const nameEnd = endOfName(source, first, end)
      const full = source.slice(first, nameEnd)
      const name = kind === "html" ? full.toLowerCase() : localName(full)
      if (closing) {
        handler.close(name)
        continue
      }
      if (kind === "html" && hidden.has(name)) {
        at = afterElement(source, name, at)
        continue
      }
      handler.open(name, source.slice(nameEnd, end))
      if (source.charAt(end - 1) === "/") handler.close(name)
    }
  }
}

/** The value of the attribute with this local name, or null. */
export const attribute = (attributes: string, name: string): string | null => {
  for (const [, key = "", double, single] of attributes.matchAll(/([^\s=/"']+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    if (localName(key) === name) return decode(double ?? single ?? "", { level: "xml" })
  }
  return null
}

function* pieces(source: string, from: number, until: number): Generator<string> {
  for (let at = from; at < until;) {
    let end = Math.min(until, at + maxPiece)
    if (end < until) {
      const entity = source.slice(end - maxEntity, end).lastIndexOf("&")
      if (entity !== -1) end -= maxEntity - entity
    }
    yield source.slice(at, end)
    at = end
  }
}

const localName = (name: string): string => name.slice(name.indexOf(":") + 1)

/** Where a tag's `>` stands, past quoted values; -1 where it never ends. A quote counts only after an equals sign. */
const tagEnd = (source: string, from: number): number => {
  let afterEquals = false
  for (let at = from; at < source.length; at++) {
    const char = source.charAt(at)
    if (char === ">") return at
    if (afterEquals && (char === '"' || char === "'")) {
      at = source.indexOf(char, at + 1)
      if (at === -1) return -1
    }
    afterEquals = char === "=" || (afterEquals && /\s/.test(char))
  }
  return -1
}

const endOfName = (source: string, from: number, end: number): number => {
  let at = from
  while (at < end && !/[\s/]/.test(source.charAt(at))) at++
  return at
}

const afterElement = (source: string, name: string, from: number): number => {
  const closing = new RegExp(`</${name}(?=[\\s/>])`, "gi")
  closing.lastIndex = from
  const found = closing.exec(source)
  if (found === null) return source.length
  const end = source.indexOf(">", found.index)
  return end === -1 ? source.length : end + 1
}
