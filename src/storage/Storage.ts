/**
 * Storage: from a configuration's `storage` section to the stores, or one clear reason why not.
 */
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import type { JournalStore } from "../ledger/JournalStore.ts"
import type { LedgerStore } from "../ledger/LedgerStore.ts"
import type { SettingsStore } from "../config/SettingsStore.ts"
import type { CredentialStore } from "../credential/CredentialStore.ts"
import type { PinStore } from "../exchange/PinStore.ts"
import type { KeyStore } from "../policy/KeyStore.ts"
import * as CredentialStoreSql from "./CredentialStoreSql.ts"
import type { DatabaseLocked } from "./DatabaseLock.ts"
import type { Durability } from "./Durability.ts"
import * as KeyStoreSql from "./KeyStoreSql.ts"
import * as LedgerStoreSql from "./LedgerStoreSql.ts"
import * as PinStoreSql from "./PinStoreSql.ts"
import type { Secrets } from "./Secrets.ts"
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
   * @default `master.key` in the folder of the database
   */
  readonly masterKeyFile?: string | undefined
}

/** An open database, for stores that are built on it elsewhere. */
export type Database = SqlClient.SqlClient | Secrets | Durability | JournalStore

/** What is kept in it. */
export type Stores = CredentialStore | SettingsStore | KeyStore | LedgerStore | PinStore

/** The database alone. */
export const layerDatabase = (options: StorageOptions): Layer.Layer<Database, StorageUnusable | DatabaseLocked> =>
  Layer.unwrap(
    Effect.map(Effect.fromResult(StorageUrl.parse(options.url)), ({ path }) =>
      SqliteDatabase.layer({ path, masterKeyFile: options.masterKeyFile })
    )
  )

/** The stores over any open database. */
export const layerStores: Layer.Layer<Stores, never, Database> = Layer.mergeAll(
  CredentialStoreSql.layer,
  SettingsStoreSql.layer,
  KeyStoreSql.layer,
  LedgerStoreSql.layer,
  PinStoreSql.layer
)

/** The stores and their database. */
export const layer = (options: StorageOptions): Layer.Layer<Stores | Database, StorageUnusable | DatabaseLocked> =>
  layerStores.pipe(Layer.provideMerge(layerDatabase(options)))
