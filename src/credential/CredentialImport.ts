/**
 * CredentialImport: the rows of a file become credentials of the store while no pool runs.
 *
 * Rows are taken one after the other, and each is durable when its turn is over: an import that fails half way can simply
 * be made again, and finds what it has added as duplicates.
 */
import { Effect } from "effect"
import { CredentialId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"
import { randomUuid } from "../message/Uuid.ts"
import { type CredentialRow, type Row, withId } from "./CredentialFile.ts"
import { type CredentialStore, type ImportedCredential, untouched } from "./CredentialStore.ts"

/** What came of one row. Holds no secret. */
export interface ImportResult {
  /** The entry's place in the file, from 1; 0: the whole file. */
  readonly row: number
  /** `unverified`: its sign-in service gave no first token, or its key was not taken. With an `id`: added all the same. */
  readonly status: "added" | "duplicate" | "invalid" | "unverified"
  /** Of the credential that was added, or that is the same. */
  readonly id?: CredentialId
  /** What is wrong, or what of the row was not taken over. */
  readonly message?: string
}

/** Where credentials are added. */
export interface ImportTarget {
  readonly add: (
    imported: ImportedCredential
  ) => Effect.Effect<{ readonly status: "added" | "duplicate"; readonly id: CredentialId }, StorageError>
  readonly disable: (id: CredentialId) => Effect.Effect<void, StorageError>
}

/** Adds to a store that no pool has loaded. */
export const intoStore = (store: Pick<CredentialStore["Service"], "add" | "saveHealth">): ImportTarget => ({
  add: store.add,
  disable: (id) => store.saveHealth(id, { ...untouched, disabled: { reason: "manual", until: null } })
})

/** Adds every row that is a credential; the results stand in the order of the rows. */
export const importRows = Effect.fn("CredentialImport.importRows")(function* (
  rows: ReadonlyArray<Row>,
  target: ImportTarget
): Effect.fn.Return<ReadonlyArray<ImportResult>, StorageError> {
  // Bounded by the rows of a file.
  const ids = new Map<number, CredentialId>()
  return yield* Effect.forEach(rows, (row): Effect.Effect<ImportResult, StorageError> => {
    if (row.kind === "invalid") return Effect.succeed({ row: row.row, status: "invalid", message: row.message })
    if (row.kind === "duplicate") {
      const id = ids.get(row.of)
      return Effect.succeed({
        row: row.row,
        status: "duplicate",
        message: row.message,
        ...(id === undefined ? {} : { id })
      })
    }
    return Effect.tap(addRow(row, target), ({ id }) => Effect.sync(() => ids.set(row.row, id)))
  })
})

const addRow = Effect.fnUntraced(function* (row: CredentialRow, target: ImportTarget) {
  const { id, status } = yield* target.add(withId(row, CredentialId.make(yield* randomUuid)))
  if (status === "duplicate") return { row: row.row, status, id, message: "is here already" }
  if (row.disabled) yield* target.disable(id)
  return { row: row.row, status, id, ...(row.note === null ? {} : { message: row.note }) }
})
