/**
 * XlsxText: the sheets of a workbook, each headed by its name, a line for each row that has values, cells parted by
 * tabs. Formulas show the value they had when the file was saved; dates show as ISO 8601.
 *
 * **Source:** ECMA-376 part 1, section 18 (SpreadsheetML).
 */
import { isDateFormat, serialDate } from "./CellDate.ts"
import { attribute, type MarkupHandler } from "./Markup.ts"
import { OfficePackage } from "./OfficePackage.ts"
import type { TextSink } from "./ReadJob.ts"

/** Most columns of a sheet, most formats of cells and of numbers, and longest value: more than that reads as broken. */
const maxColumns = 16_384
const maxFormats = 65_536
const maxValueLength = 1024 * 1024

interface Workbook {
  readonly strings: ReadonlyArray<string>
  /** Whether cells of a style, by its index, are dates. */
  readonly dates: ReadonlyArray<boolean>
  /** Whether days count from 1904. */
  readonly from1904: boolean
}

export const xlsxText = (bytes: Uint8Array, maxInflatedBytes: number, sink: TextSink): void => {
  const file = new OfficePackage(bytes, maxInflatedBytes)
  const main = file.main()
  const relations = file.relations(main)
  const partOf = (type: string) => relations.find((relation) => relation.type === type)?.target ?? ""
  const sheets: Array<{ readonly name: string; readonly id: string }> = []
  let from1904 = false
  file.read(main, {
    ...silent,
    open: (name, attributes) => {
      if (name === "workbookPr") from1904 = /^(1|true)$/.test(attribute(attributes, "date1904") ?? "")
      if (name !== "sheet") return
      if (sheets.length > relations.length) throw new RangeError("too many sheets")
      // `sheetId` is another attribute; the relation's is `r:id`.
      sheets.push({ name: attribute(attributes, "name") ?? "", id: attribute(attributes, "id") ?? "" })
    }
  })
  const book = {
    strings: sharedStrings(file, partOf("sharedStrings"), sink.another()),
    dates: dateStyles(file, partOf("styles")),
    from1904
  }
  for (const { id, name } of sheets) {
    const target = relations.find((relation) => relation.id === id)?.target
    if (target === undefined) continue
    sink.write(`# ${name}\n`)
    file.read(target, rowsOf(book, sink))
    sink.write("\n")
  }
}

const silent: MarkupHandler = { open: () => {}, close: () => {}, text: () => {} }

/** The strings that cells share. Each stands in some cell, so that too much text shows here already. */
const sharedStrings = (file: OfficePackage, part: string, bound: TextSink): ReadonlyArray<string> => {
  const strings: Array<string> = []
  let current = ""
  let phonetic = false
  let inText = false
  file.read(part, {
    open: (name) => {
      if (name === "si") current = ""
      else if (name === "rPh") phonetic = true
      else if (name === "t") inText = true
    },
    close: (name) => {
      if (name === "si") {
        bound.write(`${current}\n`)
        strings.push(current)
      } else if (name === "rPh") phonetic = false
      else if (name === "t") inText = false
    },
    text: (text) => {
      if (inText && !phonetic) current = longer(current, text)
    }
  })
  return strings
}

const dateStyles = (file: OfficePackage, part: string): ReadonlyArray<boolean> => {
  const codes = new Map<number, string>()
  const dates: Array<boolean> = []
  let inCellStyles = false
  file.read(part, {
    ...silent,
    open: (name, attributes) => {
      const id = Number(attribute(attributes, "numFmtId"))
      if (codes.size >= maxFormats || dates.length >= maxFormats) throw new RangeError("too many formats")
      if (name === "numFmt") codes.set(id, attribute(attributes, "formatCode") ?? "")
      else if (name === "cellXfs") inCellStyles = true
      else if (name === "xf" && inCellStyles) dates.push(isDateFormat(id, codes.get(id)))
    },
    close: (name) => {
      if (name === "cellXfs") inCellStyles = false
    }
  })
  return dates
}

const rowsOf = (book: Workbook, sink: TextSink): MarkupHandler => {
  let column = 0
  let written = 0
  let type = ""
  let style = 0
  let value = ""
  let inValue = false
  const finishCell = () => {
    const text = cellText(book, type, style, value).replaceAll(/[\t\r\n]+/g, " ")
    if (text !== "") {
      sink.write("\t".repeat(column - written) + text)
      written = column
    }
    column++
  }
  return {
    open: (name, attributes) => {
      if (name === "row") {
        column = 0
        written = 0
      } else if (name === "c") {
        const at = columnOf(attribute(attributes, "r") ?? "")
        if (at !== null && at >= column) column = at
        if (column >= maxColumns) throw new RangeError("too many columns")
        type = attribute(attributes, "t") ?? "n"
        style = Number(attribute(attributes, "s") ?? 0)
        value = ""
      } else if (name === "v" || name === "t") inValue = true
    },
    close: (name) => {
      if (name === "v" || name === "t") inValue = false
      else if (name === "c") finishCell()
      else if (name === "row" && (written > 0 || column > 0)) sink.write("\n")
    },
    text: (text) => {
      if (inValue) value = longer(value, text)
    }
  }
}

const longer = (value: string, text: string): string => {
  if (value.length + text.length > maxValueLength) throw new RangeError("the value is too long")
  return value + text
}

const cellText = ({ dates, from1904, strings }: Workbook, type: string, style: number, value: string): string => {
  if (type === "s") return strings[Number(value)] ?? ""
  if (type === "b") return value === "" ? "" : value === "1" ? "TRUE" : "FALSE"
  return type === "n" && value !== "" && dates[style] === true ? serialDate(Number(value), from1904) : value
}

/** The column of a cell's address, `A1` being 0; null where it has none. */
const columnOf = (address: string): number | null => {
  const letters = /^[A-Z]{1,3}/.exec(address)?.[0]
  if (letters === undefined) return null
  let column = 0
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}
