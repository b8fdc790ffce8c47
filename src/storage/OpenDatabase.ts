/**
 * OpenDatabase: a database with its lock held, its tables of this version, and the keys that open its secrets.
 */
import type { KeyRing } from "./MasterKey.ts"

export interface OpenDatabase {
  /** What messages call it: the file's absolute path, or the address without user and password. */
  readonly name: string
  /** Where the master key lies or would lie, absolute; null where there is no place for one. */
  readonly keyFile: string | null
  readonly ring: KeyRing
  /** Where the ledger's journal lies, absolute; the folder is there. */
  readonly journal: string
  /** The file, absolute, where the database is one that a thread can open for itself; else null. */
  readonly file: string | null
}
