import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type DocumentFile, DocumentText, maxTextLength } from "../../src/upstream/DocumentText.ts"
import { base64File, textFile } from "./documents/MadeFiles.ts"

const extract = (document: DocumentFile) =>
  DocumentText.use((documents) => documents.extract(document)).pipe(Effect.provide(DocumentText.layerRefusing))

const problem = (document: DocumentFile) => Effect.map(Effect.flip(extract(document)), (refused) => refused.problem)

const bytesOf = (text: string) => new TextEncoder().encode(text)

describe("documents that are text", () => {
  for (const format of ["txt", "md", "csv"] as const) {
    it.effect(`are their own text, as ${format}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* extract(textFile(format, "Grüße,\t1\n")), "Grüße,\t1\n")
        assert.strictEqual(yield* extract(base64File(format, bytesOf("Grüße,\t1\n"))), "Grüße,\t1\n")
      })
    )
  }

  it.effect("lose their byte order mark", () =>
    Effect.map(extract(base64File("csv", bytesOf("\uFEFFa,b"))), (text) => assert.strictEqual(text, "a,b"))
  )

  it.effect("are refused in another encoding", () =>
    Effect.map(problem(base64File("txt", Uint8Array.of(0x47, 0xfc, 0x6e))), (it) =>
      assert.strictEqual(it, "the document is not text in UTF-8")
    )
  )

  it.effect("are refused where they are no base64", () =>
    Effect.map(problem({ format: "txt", data: { kind: "base64", base64: "not base64!" } }), (it) =>
      assert.strictEqual(it, "the document is not valid base64")
    )
  )

  it.effect("may be as long as the bound, in any script, and no longer", () =>
    Effect.gen(function* () {
      const full = "語".repeat(maxTextLength)
      assert.strictEqual((yield* extract(textFile("md", full))).length, maxTextLength)
      assert.strictEqual((yield* extract(base64File("md", bytesOf(full)))).length, maxTextLength)
      const tooLong = "the document holds more than 200,000 characters of text"
      assert.strictEqual(yield* problem(textFile("md", `${full}x`)), tooLong)
      assert.strictEqual(yield* problem(base64File("md", bytesOf("x".repeat(maxTextLength + 1)))), tooLong)
      assert.strictEqual(yield* problem(base64File("md", bytesOf(`${full}${full}`))), tooLong)
    })
  )
})

describe("a host without readers", () => {
  for (const format of ["pdf", "doc", "docx", "xls", "xlsx", "html"] as const) {
    it.effect(`refuses ${format}`, () =>
      Effect.map(problem(base64File(format, bytesOf("file"))), (it) =>
        assert.strictEqual(it, `the document is a ${format} file, which this gateway does not read`)
      )
    )
  }
})
