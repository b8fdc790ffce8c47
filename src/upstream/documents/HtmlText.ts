/**
 * HtmlText: an HTML page as a reader would copy it. Blocks become lines, cells are parted by tabs, list items get a
 * dash; scripts, styles and comments are left out. White space is one space, except in `pre`.
 */
import { readMarkup } from "./Markup.ts"
import type { TextSink } from "./ReadJob.ts"

/** Elements that stand on lines of their own. */
const lines = new Set(
  "address article aside blockquote body br caption dd details dialog div dl dt fieldset figcaption figure footer form head header hr html legend li main menu nav ol optgroup option section select summary table tbody tfoot thead title tr ul".split(
    " "
  )
)
/** Elements with an empty line before and after. */
const paragraphs = new Set("h1 h2 h3 h4 h5 h6 p pre".split(" "))

export const htmlText = (source: string, sink: TextSink): void => {
  let gap = ""
  let started = false
  let preformatted = 0
  /** Asks for white space before the next text; the widest that is asked for wins. */
  const space = (wanted: string) => {
    if (rank(wanted) > rank(gap)) gap = wanted
  }
  const write = (text: string) => {
    if (started) sink.write(gap)
    sink.write(text)
    started = true
    gap = ""
  }
  const edge = (name: string) => {
    if (paragraphs.has(name)) space("\n\n")
    else if (lines.has(name)) space("\n")
  }
  readMarkup(source, "html", {
    open: (name) => {
      edge(name)
      if (name === "pre") preformatted++
      else if (name === "li") write("- ")
      else if (name === "td" || name === "th") space("\t")
    },
    close: (name) => {
      edge(name)
      if (name === "pre") preformatted = Math.max(0, preformatted - 1)
    },
    text: (text) => {
      if (preformatted > 0) {
        write(text)
        return
      }
      const words = text.replaceAll(/[ \t\r\n\f]+/g, " ")
      if (words.startsWith(" ")) space(" ")
      const inner = words.trim()
      if (inner !== "") write(inner)
      if (inner !== "" && words.endsWith(" ")) space(" ")
    }
  })
}

const rank = (gap: string): number => ["", " ", "\t", "\n", "\n\n"].indexOf(gap)
