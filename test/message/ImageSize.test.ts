import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { imageFormat, imageSize } from "../../src/message/ImageSize.ts"

const size = (...bytes: ReadonlyArray<number | string>) =>
  imageSize(
    Buffer.concat(
      bytes.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.of(part)))
    ).toString("base64")
  )

describe("the size of a picture", () => {
  it("is read from a PNG's first chunk", () => {
    assert.deepStrictEqual(size("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 0, 0, 1, 0x2c, 0, 0, 0, 0xc8), {
      width: 300,
      height: 200
    })
  })

  it("is read from a GIF's header", () => {
    assert.deepStrictEqual(size("GIF89a", 0x40, 1, 0xf0, 0), { width: 320, height: 240 })
  })

  it("is read from a JPEG's frame, past segments before it", () => {
    const app0 = ["\xff\xe0", 0, 4, 0, 0] as const
    assert.deepStrictEqual(size("\xff\xd8", ...app0, "\xff\xff\xc0", 0, 17, 8, 1, 0, 2, 0, 3), {
      width: 512,
      height: 256
    })
  })

  it("is read from the three forms of a WebP", () => {
    const riff = "RIFF\0\0\0\0WEBP"
    assert.deepStrictEqual(size(riff, "VP8X", "\0\0\0\0\0\0\0\0", 0x63, 0, 0, 0x31, 0, 0), { width: 100, height: 50 })
    assert.deepStrictEqual(size(riff, "VP8L", "\0\0\0\0\x2f", 0x63, 0x40, 0x0c, 0), { width: 100, height: 50 })
    assert.deepStrictEqual(size(riff, "VP8 ", "\0\0\0\0\0\0\0\x9d\x01\x2a", 100, 0, 50, 0), { width: 100, height: 50 })
  })

  it("is unknown where the header is cut, of another kind, or no base64", () => {
    for (const text of ["", "iVBORw0KGgo=", "AAAA", "!!!!", "/9j/4AAQ"]) assert.isNull(imageSize(text), text)
  })

  it.prop("is a size or unknown, for any text", [Schema.String], ([text]) => {
    const found = imageSize(text)
    assert.isTrue(found === null || (found.width > 0 && found.height > 0))
  })

  it("has a format where its first bytes name one", () => {
    const format = (bytes: string) => imageFormat(Buffer.from(bytes, "latin1").toString("base64"))
    assert.strictEqual(format("\x89PNG\r\n\x1a\n"), "png")
    assert.strictEqual(format("\xff\xd8\xff\xe0"), "jpeg")
    assert.strictEqual(format("GIF89a"), "gif")
    assert.strictEqual(format("RIFF\0\0\0\0WEBPVP8 "), "webp")
    for (const other of ["", "GIF", "RIFF\0\0\0\0WAVE", "%PDF-1.7"]) assert.isNull(format(other), other)
  })
})
