/**
 * Signatures: the proofs that thinking came from here, for this account and these models, and was not changed.
 *
 * A signature made here is a keyed hash over account, model line and text. One that a script gives, and the data of
 * redacted thinking, are remembered with what they are for.
 */
import { createHmac } from "node:crypto"

/** Scripted proofs remembered; past this the oldest are forgotten. */
const MAX_REMEMBERED = 10_000
const KEY = "weir/simulator/anthropic"

/** Whose thinking it is: an account and a line of models. */
export interface Thinker {
  readonly account: string
  /** E.g. `sonnet`. */
  readonly line: string
}

/** The signature of a text. */
export const signatureOf = ({ account, line }: Thinker, text: string): string =>
  createHmac("sha256", KEY)
    .update(JSON.stringify([account, line, text]))
    .digest("base64")

export class Signatures {
  readonly #remembered = new Set<string>()

  /** From now on `proof` proves `text`. */
  remember(thinker: Thinker, proof: string, text: string): void {
    this.#remembered.add(entryOf(thinker, proof, text))
    if (this.#remembered.size <= MAX_REMEMBERED) return
    for (const oldest of this.#remembered) {
      this.#remembered.delete(oldest)
      return
    }
  }

  /** Whether this proof proves this text. */
  proves(thinker: Thinker, proof: string, text: string): boolean {
    return proof === signatureOf(thinker, text) || this.#remembered.has(entryOf(thinker, proof, text))
  }
}

const entryOf = ({ account, line }: Thinker, proof: string, text: string): string =>
  JSON.stringify([account, line, proof, text])
