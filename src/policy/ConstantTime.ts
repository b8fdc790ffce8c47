/**
 * ConstantTime: comparing secrets so that the time taken tells nothing of them.
 */
import { timingSafeEqual } from "node:crypto"

/** Whether two hexadecimal digests of the same length are equal. */
export const sameDigest = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one, "latin1"), Buffer.from(other, "latin1"))
