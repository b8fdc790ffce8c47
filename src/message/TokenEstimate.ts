/**
 * TokenEstimate: about how many tokens a text is, where nobody counted them.
 *
 * A kana, a CJK ideograph or a Hangul character weighs two thirds of a token, any other character a quarter.
 * Fragments of a stream are summed up as characters and rounded once: rounding each of them would overcount badly.
 */

/** Characters are code points. Below this code none weighs two thirds and none is half of a surrogate pair. */
const FIRST_WIDE = 0x1100

/** Counts any number of fragments of text. A fragment may end between the halves of a surrogate pair. */
export class TextCounter {
  #cjk = 0
  #other = 0

  /** Tokens of all that was added, rounded up; zero only if nothing was. */
  get tokens(): number {
    return Math.ceil((8 * this.#cjk + 3 * this.#other) / 12)
  }

  add(text: string): void {
    let at = 0
    while (at < text.length && text.charCodeAt(at) < FIRST_WIDE) at++
    this.#other += at
    for (; at < text.length; at++) this.#addUnit(text.charCodeAt(at))
  }

  /**
   * Adds as much of `text` as keeps `tokens` within `limit`.
   *
   * @returns how many UTF-16 units that is, never half a surrogate pair
   */
  addWithin(text: string, limit: number): number {
    const cjk = this.#cjk
    const other = this.#other
    this.add(text)
    if (this.tokens <= limit) return text.length
    this.#cjk = cjk
    this.#other = other
    let fits = 0
    for (const character of text) {
      const cjk = this.#cjk
      const other = this.#other
      this.add(character)
      if (this.tokens > limit) {
        this.#cjk = cjk
        this.#other = other
        break
      }
      fits += character.length
    }
    return fits
  }

  #addUnit(unit: number): void {
    if (isCjk(unit)) this.#cjk++
    else if (!isLowSurrogate(unit)) this.#other++
  }
}

/** Tokens of one whole text, rounded up; zero for the empty text. */
export const estimateText = (text: string): number => {
  const counter = new TextCounter()
  counter.add(text)
  return counter.tokens
}

/** A pair counts by its first half, and its second half not at all. */
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

const isCjk = (unit: number): boolean =>
  (unit >= 0x4e00 && unit <= 0x9fff) || // CJK unified ideographs
  (unit >= 0x3040 && unit <= 0x30ff) || // hiragana, katakana
  (unit >= 0xac00 && unit <= 0xd7ff) || // Hangul syllables, jamo extended B
  (unit >= 0x3400 && unit <= 0x4dbf) || // CJK extension A
  (unit >= 0x1100 && unit <= 0x11ff) || // Hangul jamo
  (unit >= 0x3130 && unit <= 0x318f) || // Hangul compatibility jamo
  (unit >= 0x31f0 && unit <= 0x31ff) || // katakana phonetic extensions
  (unit >= 0xa960 && unit <= 0xa97f) || // Hangul jamo extended A
  (unit >= 0xf900 && unit <= 0xfaff) || // CJK compatibility ideographs
  (unit >= 0xff66 && unit <= 0xffdc) || // halfwidth katakana and jamo
  (unit >= 0xd840 && unit <= 0xd8bf) // first halves of planes 2 and 3: the further CJK extensions
