/**
 * SHA-256 of text, for identities that must be stable: fingerprints, shortened names, hashed keys.
 */
import { hash } from "node:crypto"

/** Lower-case hex of the SHA-256 of the text's UTF-8 bytes; 64 characters. */
export const sha256Hex = (text: string): string => hash("sha256", text, "hex")
