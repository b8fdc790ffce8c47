/** Documents made for tests, byte by byte as their formats say. */
import { deflateRawSync, deflateSync } from "node:zlib"
import { crc32 } from "../../../src/codec/Crc32.ts"
import type { DocumentFile, DocumentFormat } from "../../../src/upstream/DocumentText.ts"

/** One part of a zip file. */
export interface Part {
  readonly name: string
  readonly data: string | Uint8Array
  /** What the file claims instead of the true size. Bytes. */
  readonly claimedBytes?: number
  readonly stored?: boolean
  readonly encrypted?: boolean
}

export const base64File = (format: DocumentFormat, bytes: Uint8Array): DocumentFile => ({
  format,
  data: { kind: "base64", base64: Buffer.from(bytes).toString("base64") }
})

export const textFile = (format: DocumentFormat, text: string): DocumentFile => ({
  format,
  data: { kind: "text", text }
})

const numbers = (...values: ReadonlyArray<readonly [value: number, bytes: 2 | 4]>): Buffer => {
  const out = Buffer.alloc(values.reduce((sum, [, bytes]) => sum + bytes, 0))
  let at = 0
  for (const [value, bytes] of values) at = out.writeUIntLE(value, at, bytes)
  return out
}

export const zip = (parts: ReadonlyArray<Part>): Buffer => {
  const locals: Array<Buffer> = []
  const directory: Array<Buffer> = []
  let at = 0
  for (const { claimedBytes, data, encrypted, name, stored } of parts) {
    const bytes = Buffer.from(data)
    const packed = stored ? bytes : deflateRawSync(bytes)
    const common = numbers(
      [20, 2],
      [encrypted ? 1 : 0, 2],
      [stored ? 0 : 8, 2],
      [0, 4],
      [crc32(bytes), 4],
      [packed.length, 4],
      [claimedBytes ?? bytes.length, 4],
      [name.length, 2],
      [0, 2]
    )
    directory.push(numbers([0x02014b50, 4], [20, 2]), common, numbers([0, 2], [0, 2], [0, 2], [0, 4], [at, 4]))
    directory.push(Buffer.from(name))
    const local = Buffer.concat([numbers([0x04034b50, 4]), common, Buffer.from(name), packed])
    at += local.length
    locals.push(local)
  }
  const listed = Buffer.concat(directory)
  const end = numbers(
    [0x06054b50, 4],
    [0, 4],
    [parts.length, 2],
    [parts.length, 2],
    [listed.length, 4],
    [at, 4],
    [0, 2]
  )
  return Buffer.concat([...locals, listed, end])
}

const officeType = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

/** The part that says how others are found: id, type and target of each. */
export const relations = (name: string, ...targets: ReadonlyArray<readonly [string, string, string]>): Part => ({
  name,
  data: `<?xml version="1.0"?><Relationships>${targets
    .map(([id, type, target]) => `<Relationship Id="${id}" Type="${officeType}/${type}" Target="${target}"/>`)
    .join("")}</Relationships>`
})

/** A Word document of this body. */
export const docx = (body: string, ...others: ReadonlyArray<Part>): Buffer =>
  zip([
    relations("_rels/.rels", ["rId1", "officeDocument", "word/document.xml"]),
    { name: "word/document.xml", data: `<w:document><w:body>${body}</w:body></w:document>` },
    ...others
  ])

export const paragraph = (text: string): string => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`

/** A workbook of sheets by their names, with the shared strings and styles that it needs. */
export const xlsx = (
  sheets: Readonly<Record<string, string>>,
  { properties = "", strings = "", styles = "" } = {}
): Buffer => {
  const names = Object.keys(sheets)
  return zip([
    relations("_rels/.rels", ["rId1", "officeDocument", "/xl/workbook.xml"]),
    relations(
      "xl/_rels/workbook.xml.rels",
      ["strings", "sharedStrings", "sharedStrings.xml"],
      ["styles", "styles", "styles.xml"],
      ...names.map((_, index) => [`sheet${index}`, "worksheet", `worksheets/sheet${index}.xml`] as const)
    ),
    {
      name: "xl/workbook.xml",
      data: `<workbook>${properties}<sheets>${names
        .map((name, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="sheet${index}"/>`)
        .join("")}</sheets></workbook>`
    },
    { name: "xl/sharedStrings.xml", data: `<sst>${strings}</sst>` },
    { name: "xl/styles.xml", data: `<styleSheet>${styles}</styleSheet>` },
    ...Object.values(sheets).map((rows, index) => ({
      name: `xl/worksheets/sheet${index}.xml`,
      data: `<worksheet><sheetData>${rows}</sheetData></worksheet>`
    }))
  ])
}

/** A PDF with a page for each content, in Helvetica as `/F1`; `forms` are drawn as `/X0`, `/X1`, … from any page or form. */
export const pdf = (pages: ReadonlyArray<string | Uint8Array>, forms: ReadonlyArray<string> = []): Buffer => {
  const font = 3
  const firstForm = font + 1
  const firstPage = firstForm + forms.length
  const shared = `/Resources<</Font<</F1 ${font} 0 R>>/XObject<<${forms
    .map((_, index) => `/X${index} ${firstForm + index} 0 R`)
    .join("")}>>>>`
  const stream = (head: string, content: Uint8Array) =>
    Buffer.concat([Buffer.from(`<<${head}/Length ${content.length}>>stream\n`), content, Buffer.from("\nendstream")])
  const packed = (content: string | Uint8Array) =>
    typeof content === "string"
      ? stream("/Filter/FlateDecode", deflateSync(content))
      : stream("/Filter[/FlateDecode/FlateDecode]", content)
  const objects = [
    Buffer.from("<</Type/Catalog/Pages 2 0 R>>"),
    Buffer.from(
      `<</Type/Pages/Count ${pages.length}/Kids[${pages.map((_, index) => `${firstPage + index * 2} 0 R`).join(" ")}]>>`
    ),
    Buffer.from("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
    ...forms.map((content) => stream(`/Type/XObject/Subtype/Form/BBox[0 0 600 800]${shared}`, Buffer.from(content))),
    ...pages.flatMap((content, index) => [
      Buffer.from(
        `<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]${shared}/Contents ${firstPage + index * 2 + 1} 0 R>>`
      ),
      packed(content)
    ])
  ]
  let out = Buffer.from("%PDF-1.4\n")
  const offsets: Array<string> = []
  for (const [index, object] of objects.entries()) {
    offsets.push(`${String(out.length).padStart(10, "0")} 00000 n \n`)
    out = Buffer.concat([out, Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from("\nendobj\n")])
  }
  const size = objects.length + 1
  const tail = `xref\n0 ${size}\n0000000000 65535 f \n${offsets.join("")}trailer<</Size ${size}/Root 1 0 R>>\nstartxref\n${out.length}\n%%EOF`
  return Buffer.concat([out, Buffer.from(tail)])
}

export const pdfLines = (...lines: ReadonlyArray<string>): string =>
  `BT /F1 12 Tf 72 700 Td ${lines.map((line) => `(${line}) Tj 0 -20 Td`).join(" ")} ET`

/** A small PDF that takes practically for ever: its forms draw each other ten times, twelve deep. */
export const endlessPdf = (): Buffer => {
  const depth = 12
  const forms = Array.from({ length: depth }, (_, level) =>
    level === depth - 1 ? "BT /F1 12 Tf 1 1 Td (x) Tj ET" : `/X${level + 1} Do `.repeat(10)
  )
  return pdf(["/X0 Do"], forms)
}

/** A small PDF whose list of objects has so many entries that holding them takes gigabytes. */
export const hungryPdf = (): Buffer => {
  const entries = 40_000_000
  const list = deflateSync(Buffer.alloc(entries))
  const head = Buffer.from("%PDF-1.5\n")
  return Buffer.concat([
    head,
    Buffer.from(
      `1 0 obj\n<</Type/XRef/Size ${entries}/W[1 0 0]/Root 2 0 R/Filter/FlateDecode/Length ${list.length}>>stream\n`
    ),
    list,
    Buffer.from(`\nendstream\nendobj\nstartxref\n${head.length}\n%%EOF`)
  ])
}
