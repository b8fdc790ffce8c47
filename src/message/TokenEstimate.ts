/**
 * TokenEstimate: about how many tokens a text is, where nobody counted them. Pure, one pass over its characters.
 *
 * A tokenizer joins letters to words and a space to the word after it, so that what a character weighs depends on what
 * stands before it: the first letter of a word much, the next ones little, digits in a row hardly anything. The weights
 * were fitted to the only tokenizer that Anthropic has published; `docs/tokens.md` has the errors.
 *
 * Fragments of a stream count as much as the whole: weights are summed up and rounded once.
 */

/** Kinds of characters. What takes two units counts by the first, and not at all by the second. */
const kind = {
  lower: 0,
  upper: 1,
  accented: 2,
  cyrillic: 3,
  digit: 4,
  space: 5,
  newline: 6,
  punctuation: 7,
  ideograph: 8,
  kana: 9,
  hangul: 10,
  /** Lines to draw tables with. */
  line: 11,
  /** Any other script or sign. */
  other: 12,
  emoji: 13,
  second: 14
} as const
type Kind = (typeof kind)[keyof typeof kind]

/** The last range that holds a character decides. */
const ranges: ReadonlyArray<readonly [first: number, last: number, kind: Kind]> = [
  [0x0000, 0xffff, kind.other],
  [0x0000, 0x007f, kind.punctuation],
  [0x0061, 0x007a, kind.lower],
  [0x0041, 0x005a, kind.upper],
  [0x0030, 0x0039, kind.digit],
  [0x0009, 0x0009, kind.space],
  [0x0020, 0x0020, kind.space],
  [0x000a, 0x000d, kind.newline],
  [0x00c0, 0x024f, kind.accented],
  [0x0400, 0x052f, kind.cyrillic],
  [0x1100, 0x11ff, kind.hangul],
  [0x2500, 0x257f, kind.line],
  [0x3040, 0x30ff, kind.kana],
  [0x3130, 0x318f, kind.hangul],
  [0x31f0, 0x31ff, kind.kana],
  [0x3400, 0x4dbf, kind.ideograph],
  [0x4e00, 0x9fff, kind.ideograph],
  [0xa960, 0xa97f, kind.hangul],
  [0xac00, 0xd7ff, kind.hangul],
  [0xd800, 0xdbff, kind.emoji],
  [0xd840, 0xd8bf, kind.ideograph],
  [0xdc00, 0xdfff, kind.second],
  [0xf900, 0xfaff, kind.ideograph],
  [0xff66, 0xff9f, kind.kana]
]

const kinds = new Uint8Array(0x10000)
for (const [first, last, of] of ranges) kinds.fill(of, first, last + 1)

/** Weights are hundredths of a token. */
const whole = 100
const stride = 16
const {
  accented,
  cyrillic,
  digit,
  emoji,
  hangul,
  ideograph,
  kana,
  line,
  lower,
  newline,
  other,
  punctuation,
  space,
  upper
} = kind

const letters = [lower, upper, accented, cyrillic]

/** What a character of one kind weighs after one of another: of the entries for a kind the last that fits. */
const rules: ReadonlyArray<readonly [weight: number, of: Kind, after?: ReadonlyArray<Kind>]> = [
  [126, lower],
  [11, lower, letters],
  [0, lower, [space, newline]],
  [200, upper],
  [110, upper, [lower, accented]],
  [18, upper, [upper]],
  [75, upper, [space]],
  [258, accented],
  [45, cyrillic],
  [150, digit],
  [115, digit, letters],
  [68, digit, [space]],
  [5, digit, [digit]],
  [64, space],
  [1, space, [space]],
  [2, space, [newline]],
  [144, newline],
  [8, newline, [newline, space]],
  [58, punctuation],
  [20, punctuation, [space]],
  [8, punctuation, [punctuation]],
  [90, ideograph],
  [89, kana],
  [58, hangul],
  [126, hangul, [hangul]],
  [60, line],
  [10, line, [line]],
  [100, other],
  [200, emoji]
]

const weights = new Uint16Array(stride * stride)
for (const [weight, of, after = Object.values(kind)] of rules) {
  for (const before of after) weights[before * stride + of] = weight
}
/** Counts any number of fragments of text. A fragment may end between the halves of a surrogate pair. */
export class TextCounter {
  #weight = 0
  #before: number = newline
  #isEmpty = true

  /** Tokens of all that was added, rounded up; zero only if nothing was. */
  get tokens(): number {
    return this.#isEmpty ? 0 : Math.max(1, Math.ceil(this.#weight / whole))
  }

  add(text: string): void {
    let weight = 0
    let before = this.#before
    for (let at = 0; at < text.length; at++) {
      const of = kinds[text.charCodeAt(at)] ?? other
      weight += weights[before * stride + of] ?? whole
      before = of
    }
    this.#weight += weight
    this.#before = before
    this.#isEmpty &&= text === ""
  }

  /**
   * Adds as much of `text` as keeps `tokens` within `limit`.
   *
   * @returns how many UTF-16 units that is, never half a surrogate pair
   */
  addWithin(text: string, limit: number): number {
    const start = this.#state()
    this.add(text)
    if (this.tokens <= limit) return text.length
    this.#restore(start)
    let fits = 0
    for (const character of text) {
      const before = this.#state()
      this.add(character)
      if (this.tokens > limit) {
        this.#restore(before)
        break
      }
      fits += character.length
    }
    return fits
  }

  #state(): readonly [weight: number, before: number, isEmpty: boolean] {
    return [this.#weight, this.#before, this.#isEmpty]
  }

  #restore([weight, before, isEmpty]: readonly [weight: number, before: number, isEmpty: boolean]): void {
    this.#weight = weight
    this.#before = before
    this.#isEmpty = isEmpty
  }
}

/** Tokens of one whole text, rounded up; zero for the empty text. */
export const estimateText = (text: string): number => {
  const counter = new TextCounter()
  counter.add(text)
  return counter.tokens
}
