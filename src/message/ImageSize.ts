/**
 * ImageSize: format, width and height of a picture, read from the first bytes of its base64 text without decoding the
 * rest.
 *
 * **Source:** PNG (W3C), GIF89a, JPEG (ITU-T T.81, annex B) and WebP container (RFC 9649).
 */

/** Pixels. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** Most segments of a JPEG that are looked at before its size; a picture with more has no known size. */
const maxSegments = 256

/** The format that a picture's first bytes name, or null where they name none of these. */
export const imageFormat = (base64: string): "jpeg" | "png" | "gif" | "webp" | null => {
  const starts = (text: string, from = 0) =>
    [...text].every((char, index) => byteAt(base64, from + index) === char.charCodeAt(0))
  if (starts("\xff\xd8\xff")) return "jpeg"
  if (starts("\x89PNG\r\n\x1a\n")) return "png"
  if (starts("GIF8")) return "gif"
  return starts("RIFF") && starts("WEBP", 8) ? "webp" : null
}

/** The size of a JPEG, PNG, GIF or WebP picture; null where the header is cut, damaged or of another kind. */
export const imageSize = (base64: string): ImageSize | null => {
  const at = (index: number) => byteAt(base64, index)
  switch (at(0)) {
    case 0x89:
      return sized(big(at, 16, 4), big(at, 20, 4))
    case 0x47:
      return sized(little(at, 6, 2), little(at, 8, 2))
    case 0x52:
      return webpSize(at)
    case 0xff:
      return jpegSize(at)
    default:
      return null
  }
}

type Bytes = (index: number) => number

const webpSize = (at: Bytes): ImageSize | null => {
  // The fourth character of the chunk's name tells the three encodings apart.
  switch (at(15)) {
    case 0x58:
      return sized(little(at, 24, 3) + 1, little(at, 27, 3) + 1)
    case 0x4c: {
      const bits = little(at, 21, 4)
      return Number.isNaN(bits) ? null : sized((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
    }
    case 0x20:
      return sized(little(at, 26, 2) & 0x3fff, little(at, 28, 2) & 0x3fff)
    default:
      return null
  }
}

const jpegSize = (at: Bytes): ImageSize | null => {
  let index = 2
  for (let segment = 0; segment < maxSegments; segment++) {
    if (at(index) !== 0xff) return null
    const marker = at(index + 1)
    // Start of frame, of any kind; 0xc4, 0xc8 and 0xcc between them are tables.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return sized(big(at, index + 7, 2), big(at, index + 5, 2))
    }
    // A fill byte before the marker proper.
    index += marker === 0xff ? 1 : 2 + big(at, index + 2, 2)
  }
  return null
}

const sized = (width: number, height: number): ImageSize | null => (width > 0 && height > 0 ? { width, height } : null)

const big = (at: Bytes, index: number, length: number): number => {
  let value = 0
  for (let n = 0; n < length; n++) value = value * 256 + at(index + n)
  return value
}

const little = (at: Bytes, index: number, length: number): number => {
  let value = 0
  for (let n = length - 1; n >= 0; n--) value = value * 256 + at(index + n)
  return value
}

/** NaN past the end and where the text is no base64, which makes any number read over it NaN as well. */
const byteAt = (base64: string, index: number): number => {
  const place = index % 3
  const first = Math.floor(index / 3) * 4 + place
  const high = sextet(base64.charCodeAt(first))
  const low = sextet(base64.charCodeAt(first + 1))
  return Number.isNaN(high + low) ? NaN : ((high * 64 + low) >> (4 - place * 2)) & 0xff
}

const sextet = (code: number): number => {
  if (code >= 65 && code <= 90) return code - 65
  if (code >= 97 && code <= 122) return code - 71
  if (code >= 48 && code <= 57) return code + 4
  return code === 43 ? 62 : code === 47 ? 63 : NaN
}
