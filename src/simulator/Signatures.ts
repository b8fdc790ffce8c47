/**
 * Signatures: the proofs that thinking came from here and was not changed.
 *
 * A signature made here contains the hash of its text; one that a script gives is remembered with its text, or with
 * none where the script sends it alone.
 */
import { createHash } from "node:crypto"

/** Scripted signatures remembered; past this the oldest are forgotten. */
const MAX_REMEMBERED = 10_000
const PREFIX = "simulated-thinking:"

/** The signature of a text. */
export const signatureOf = (text: string): string =>
  Buffer.from(PREFIX + createHash("sha256").update(text).digest("hex")).toString("base64")

export class Signatures {
  readonly #remembered = new Map<string, string | null>()

  /** From now on `signature` proves `text`; with null, any text. */
  remember(signature: string, text: string | null): void {
    this.#remembered.set(signature, text)
    if (this.#remembered.size <= MAX_REMEMBERED) return
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest)
      return
    }
  }

  /** Whether this signature proves this text. */
  proves(signature: string, text: string): boolean {
    const remembered = this.#remembered.get(signature)
    return remembered === undefined ? signature === signatureOf(text) : remembered === null || remembered === text
  }
}
