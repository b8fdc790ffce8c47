/**
 * Storage: from a configuration's `storage` section to the stores, or one clear reason why not.
 */
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import type { AuditStore } from "../admin/AuditStore.ts"
import type { JournalStore } from "../ledger/JournalStore.ts"
import type { LedgerStore } from "../ledger/LedgerStore.ts"
import type { SettingsStore } from "../config/SettingsStore.ts"
import type { CredentialStore } from "../credential/CredentialStore.ts"
import type { PinStore } from "../exchange/PinStore.ts"
import type { KeyStore } from "../policy/KeyStore.ts"
import * as AuditStoreSql from "./AuditStoreSql.ts"
import * as CredentialStoreSql from "./CredentialStoreSql.ts"
import type { DatabaseLocked } from "./DatabaseLock.ts"
import type { Durability } from "./Durability.ts"
import * as JournalFile from "./JournalFile.ts"
import * as KeyStoreSql from "./KeyStoreSql.ts"
import * as LedgerStoreSql from "./LedgerStoreSql.ts"
import type { OpenDatabase } from "./OpenDatabase.ts"
import * as LedgerThread from "./LedgerThread.ts"
import * as PinStoreSql from "./PinStoreSql.ts"
import * as PostgresDatabase from "./PostgresDatabase.ts"
import { Secrets } from "./Secrets.ts"
import * as SettingsStoreSql from "./SettingsStoreSql.ts"
import * as SqliteDatabase from "./SqliteDatabase.ts"
import type { StorageUnusable } from "./StorageUnusable.ts"
import * as StorageUrl from "./StorageUrl.ts"

/** The `storage` section, as far as it concerns opening. */
export interface StorageOptions {
  /** For example `sqlite:./data/weir.db`; a relative path starts at the working directory. */
  readonly url: string
  /**
   * Where the master key lies, unless `WEIR_MASTER_KEY` is set.
   * @default `master.key` in the folder of an SQLite database; with PostgreSQL one of the two is required
   */
  readonly masterKeyFile?: string | undefined
  /**
   * Where the ledger's journal lies if the database is PostgreSQL: a folder of this machine, made where it is missing.
   * @default `data` in the working directory
   */
  readonly journalFolder?: string | undefined
}

/** An open database, for stores that are built on it elsewhere. */
export type Database = SqlClient.SqlClient | Secrets | Durability | JournalStore

/** What is kept in it. */
export type Stores = AuditStore | CredentialStore | SettingsStore | KeyStore | LedgerStore | PinStore

/** The database alone. */
export const layerDatabase = (options: StorageOptions): Layer.Layer<Database, StorageUnusable | DatabaseLocked> =>
  withDatabase(options, ({ journal, ring }) => Layer.merge(Secrets.layer(ring), JournalFile.layer(journal)))

/** The layer that `use` makes of the database at an address, and the database; closed after that layer. */
export const withDatabase = <A, E>(
  { journalFolder, masterKeyFile, url }: StorageOptions,
  use: (database: OpenDatabase) => Layer.Layer<A, E, SqlClient.SqlClient | Durability>
): Layer.Layer<A | SqlClient.SqlClient | Durability, E | StorageUnusable | DatabaseLocked> =>
  Layer.unwrap(
    Effect.map(Effect.fromResult(StorageUrl.parse(url)), (address) =>
      address.kind === "sqlite"
        ? SqliteDatabase.withDatabase({ path: address.path, masterKeyFile }, use)
        : PostgresDatabase.withDatabase({ address, masterKeyFile, journalFolder: journalFolder ?? "data" }, use)
    )
  )

/** All stores but the ledger's. */
const layerSmall = Layer.mergeAll(
  AuditStoreSql.layer,
  CredentialStoreSql.layer,
  SettingsStoreSql.layer,
  KeyStoreSql.layer,
  PinStoreSql.layer
)

/** The stores over any open database. */
export const layerStores: Layer.Layer<Stores, never, Database> = Layer.merge(layerSmall, LedgerStoreSql.layer)

/** The stores and their database for a gateway that serves: in a file the ledger has a thread of its own. */
export const layerServing = (
  options: StorageOptions
): Layer.Layer<Stores | Database, StorageUnusable | DatabaseLocked> =>
  layerSmall.pipe(
    Layer.provideMerge(
      withDatabase(options, ({ file, journal, ring }) =>
        Layer.mergeAll(
          Secrets.layer(ring),
          JournalFile.layer(journal),
          file === null ? LedgerStoreSql.layer : LedgerThread.layer(file)
        )
      )
    )
  )

/** The stores and their database. */
export const layer = (options: StorageOptions): Layer.Layer<Stores | Database, StorageUnusable | DatabaseLocked> =>
  layerStores.pipe(Layer.provideMerge(layerDatabase(options)))
