import { assert, describe, it } from "@effect/vitest"
import { docxText } from "../../../src/upstream/documents/DocxText.ts"
import { refusedProblem, TextSink } from "../../../src/upstream/documents/ReadJob.ts"
import { xlsxText } from "../../../src/upstream/documents/XlsxText.ts"
import { ZipArchive } from "../../../src/upstream/documents/ZipArchive.ts"
import { docx, paragraph, relations, xlsx, zip } from "./MadeFiles.ts"

const mib = 1024 * 1024

const textOf = (read: typeof docxText, bytes: Uint8Array) => {
  const sink = new TextSink(200_000)
  read(bytes, mib, sink)
  return sink.finish()
}

const problemOf = (read: () => unknown): string | null => {
  try {
    read()
  } catch (error) {
    return refusedProblem(error)
  }
  return assert.fail("it was read")
}

describe("a Word document", () => {
  it("has a line for each paragraph, and marks headings, lists and tables", () => {
    const body = [
      `<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Head</w:t></w:r></w:p>`,
      `<w:p><w:pPr><w:numPr/><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>item</w:t></w:r></w:p>`,
      `<w:p><w:r><w:t xml:space="preserve">a </w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>`,
      `<w:tbl><w:tr><w:tc>${paragraph("x")}</w:tc><w:tc>${paragraph("y")}</w:tc></w:tr></w:tbl>`
    ].join("\n")
    assert.strictEqual(textOf(docxText, docx(body)), "## Head\n- item\na \tb\nc\nx \ty")
  })

  it("shows what tracked changes left, and each text box once", () => {
    const run = (tag: string, text: string) => `<w:r><w:${tag}>${text}</w:${tag}></w:r>`
    const body = [
      `<w:p><w:del>${run("delText", "old")}</w:del><w:ins>${run("t", "new")}</w:ins>`,
      `<w:moveFrom>${run("t", "away")}</w:moveFrom><w:r><w:instrText>PAGE</w:instrText></w:r>`,
      `<mc:AlternateContent><mc:Choice>${run("t", "box")}</mc:Choice><mc:Fallback>${run("t", "box")}</mc:Fallback>`,
      `</mc:AlternateContent></w:p>`
    ].join("")
    assert.strictEqual(textOf(docxText, docx(body)), "newbox")
  })

  it("ends with its notes", () => {
    const file = docx(
      paragraph("Text"),
      relations("word/_rels/document.xml.rels", ["rId1", "footnotes", "footnotes.xml"]),
      { name: "word/footnotes.xml", data: `<w:footnotes><w:footnote>${paragraph("Note")}</w:footnote></w:footnotes>` }
    )
    assert.strictEqual(textOf(docxText, file), "Text\n\nNote")
  })
})

describe("a workbook", () => {
  it("has its sheets one after the other, with cells in their columns", () => {
    const strings = "<si><t>name</t></si><si><r><t>rich </t></r><r><t>text</t></r><rPh><t>no</t></rPh></si>"
    const file = xlsx(
      {
        First: `<row><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row><row><c r="B3" t="b"><v>1</v></c></row>`,
        "R&amp;D": `<row><c t="inlineStr"><is><t>in\nline</t></is></c><c t="str"><f>A1&amp;1</f><v>made</v></c><c/></row>`
      },
      { strings }
    )
    assert.strictEqual(textOf(xlsxText, file), "# First\nname\t\trich text\n\tTRUE\n\n# R&D\nin line\tmade")
  })

  const dates = (properties: string, ...cells: ReadonlyArray<readonly [style: number, value: string]>) =>
    textOf(
      xlsxText,
      xlsx(
        { D: `<row>${cells.map(([style, value]) => `<c s="${style}"><v>${value}</v></c>`).join("")}</row>` },
        {
          properties,
          styles: `<numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm"/><numFmt numFmtId="165" formatCode="&quot;day&quot; [Red]0.0"/></numFmts>
            <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
            <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs>`
        }
      )
    )

  it("shows dates as dates, by the format of their cell", () => {
    const text = dates("", [0, "45231"], [1, "45231"], [2, "45231.75"], [3, "45231"], [1, "0.5"], [1, "-1"])
    assert.strictEqual(text, "# D\n45231\t2023-11-01\t2023-11-01T18:00:00\t45231\t12:00:00\t-1")
  })

  it("knows the day that 1900 never had, and workbooks that count from 1904", () => {
    assert.strictEqual(dates("", [1, "1"], [1, "59"], [1, "61"]), "# D\n1900-01-01\t1900-02-28\t1900-03-01")
    assert.strictEqual(dates(`<workbookPr date1904="1"/>`, [1, "0"], [1, "43769"]), "# D\n1904-01-01\t2023-11-01")
  })

  it("is broken where a cell stands outside of every sheet", () => {
    const file = xlsx({ S: `<row><c r="ZZZ1"><v>1</v></c></row>` })
    assert.isNull(problemOf(() => textOf(xlsxText, file)))
  })
})

describe("a zip file", () => {
  it("gives each part by its name in any case, stored or deflated, and null for others", () => {
    const archive = new ZipArchive(
      zip([
        { name: "Word/A.xml", data: "aaa" },
        { name: "b", data: "bbb", stored: true }
      ]),
      mib
    )
    assert.deepStrictEqual([archive.read("word/a.xml"), archive.read("b"), archive.read("c")].map(shown), [
      "aaa",
      "bbb",
      null
    ])
  })

  it("has one bound for all of its parts together", () => {
    const part = { data: Buffer.alloc(mib / 2) }
    const archive = new ZipArchive(
      zip([
        { name: "a", ...part },
        { name: "b", ...part },
        { name: "c", data: "1" },
        { name: "d", data: "1", stored: true }
      ]),
      mib
    )
    assert.strictEqual((archive.read("a")?.length ?? 0) + (archive.read("b")?.length ?? 0), mib)
    const tooLarge = "the document unpacks to more than 1 MiB"
    assert.strictEqual(
      problemOf(() => archive.read("c")),
      tooLarge
    )
    assert.strictEqual(
      problemOf(() => archive.read("d")),
      tooLarge
    )
  })

  it("stops one part at the bound, whatever its directory claims", () => {
    const archive = new ZipArchive(zip([{ name: "a", data: Buffer.alloc(mib + 1), claimedBytes: 1 }]), mib)
    assert.strictEqual(
      problemOf(() => archive.read("a")),
      "the document unpacks to more than 1 MiB"
    )
  })

  it("with a password is refused", () => {
    const archive = new ZipArchive(zip([{ name: "a", data: "a", encrypted: true }]), mib)
    assert.strictEqual(
      problemOf(() => archive.read("a")),
      "the document is protected by a password"
    )
  })

  it("is broken where a byte of it changed or its end is missing", () => {
    const file = zip([{ name: "a", data: "text", stored: true }])
    const changed = Buffer.from(file)
    changed[file.indexOf("text")] = 0
    assert.isNull(problemOf(() => new ZipArchive(changed, mib).read("a")))
    for (let length = 0; length < file.length; length++) {
      assert.isNull(problemOf(() => new ZipArchive(file.subarray(0, length), mib)))
    }
  })
})

const shown = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes))
