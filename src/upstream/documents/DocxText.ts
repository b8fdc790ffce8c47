/**
 * DocxText: the text of a Word document, with its footnotes and endnotes at the end. Headings, list items and tables
 * keep a mark (`#`, `-`, tabs). Left out are headers and footers, comments, and what tracked changes deleted or moved.
 *
 * **Source:** ECMA-376 part 1, section 17 (WordprocessingML).
 */
import { attribute, type MarkupHandler } from "./Markup.ts"
import { OfficePackage } from "./OfficePackage.ts"
import type { TextSink } from "./ReadJob.ts"

export const docxText = (bytes: Uint8Array, maxInflatedBytes: number, sink: TextSink): void => {
  const file = new OfficePackage(bytes, maxInflatedBytes)
  const main = file.main()
  if (!file.read(main, textOf(sink))) throw new RangeError("the main part is not there")
  for (const { target, type } of file.relations(main)) {
    if (type === "footnotes" || type === "endnotes") {
      sink.write("\n")
      file.read(target, textOf(sink))
    }
  }
}

/** Elements that repeat what stands elsewhere, or that are no longer part of the text. */
const hidden = new Set(["Fallback", "moveFrom"])

const textOf = (sink: TextSink): MarkupHandler => {
  let skipped = 0
  let runs = 0
  let texts = 0
  let cells = 0
  return {
    open: (name, attributes) => {
      if (hidden.has(name)) skipped++
      if (skipped > 0) return
      if (name === "r") runs++
      else if (name === "t") texts++
      else if (name === "tc") cells++
      else if (name === "pStyle") sink.write(headingMark(attribute(attributes, "val") ?? ""))
      else if (name === "numPr") sink.write("- ")
      // Outside of a run a `tab` is a position on the ruler.
      else if (runs > 0) sink.write(characters.get(name) ?? "")
    },
    close: (name) => {
      if (hidden.has(name)) skipped = Math.max(0, skipped - 1)
      if (skipped > 0) return
      if (name === "r") runs = Math.max(0, runs - 1)
      else if (name === "t") texts = Math.max(0, texts - 1)
      else if (name === "p") sink.write(cells > 0 ? " " : "\n")
      else if (name === "tc") {
        cells = Math.max(0, cells - 1)
        sink.write("\t")
      } else if (name === "tr" || name === "tbl") sink.write("\n")
    },
    text: (text) => {
      if (texts > 0 && skipped === 0) sink.write(text)
    }
  }
}

const characters: ReadonlyMap<string, string> = new Map([
  ["tab", "\t"],
  ["br", "\n"],
  ["cr", "\n"],
  ["noBreakHyphen", "-"]
])

const headingMark = (style: string): string => {
  const level = /^heading ?([1-6])$/i.exec(style)?.[1]
  return level === undefined ? "" : `${"#".repeat(Number(level))} `
}
