/**
 * MasterKey: the keys that seal and open what is secret in the database, and where they come from.
 *
 * **Details**
 *
 * A key is 32 random bytes, written in base64. The environment variable `WEIR_MASTER_KEY` wins over the file, unless it
 * is empty. Either may hold several, separated by white space: the first seals, all open, which is how a key is replaced
 * without a moment in which the database cannot be read. A missing file is made, with mode 0600, only while nothing is
 * sealed.
 *
 * **Gotchas**
 *
 * A key that lies beside the database protects copies of the database only.
 */
import { Config, Effect, Option, Redacted } from "effect"
import { createHash, createSecretKey, type KeyObject, randomBytes } from "node:crypto"
import { dirname } from "node:path"
import * as PrivateFile from "./PrivateFile.ts"
import { StorageUnusable } from "./StorageUnusable.ts"

/** One key. Nothing prints its bytes. */
export interface MasterKey {
  /** 16 hex digits of a hash of the key: says which key, tells nothing of it. */
  readonly id: string
  readonly secret: KeyObject
}

/** The key that seals, and by id all that open. */
export interface KeyRing {
  readonly current: MasterKey
  readonly all: ReadonlyMap<string, MasterKey>
  /** `WEIR_MASTER_KEY` or the file's path, for messages. */
  readonly source: string
}

const variable = "WEIR_MASTER_KEY"
const keyBytes = 32

/** More keys than a rotation could leave: a file of that size is something else. */
const maxKeys = 16

/**
 * Finds the ring for a database, of which `sealedUnder` are the key ids that its secrets need.
 *
 * Fails with the reason `master_key` when a needed key is not there; then no key is made.
 */
export const obtain = Effect.fn("MasterKey.obtain")(function* (options: {
  readonly database: string
  /** Absolute path; null where there is no place for one. */
  readonly file: string | null
  readonly sealedUnder: ReadonlyArray<string>
}): Effect.fn.Return<KeyRing, StorageUnusable> {
  const unusable = (why: string) => new StorageUnusable({ path: options.database, reason: "master_key", why })
  const environment = yield* Config.option(Config.Redacted(variable)).pipe(
    Effect.mapError(() => unusable(`${variable} could not be read`))
  )
  if (Option.isNone(environment) && options.file === null) {
    return yield* unusable(
      `it needs a master key: set ${variable} (${keyBytes} bytes in base64) or storage.masterKeyFile`
    )
  }
  const source = Option.isSome(environment) || options.file === null ? variable : options.file
  const text = Option.isSome(environment) ? environment : yield* readKeyFile(source)
  if (Option.isNone(text)) {
    if (options.sealedUnder.length === 0) return yield* create(source)
    return yield* unusable(
      `its secrets are sealed under master key ${options.sealedUnder.join(", ")}, and neither ${variable} nor ` +
        `${source} is there; restore the key, or start with an empty database`
    )
  }
  const ring = parse(Redacted.value(text.value), source)
  if (ring === undefined) {
    return yield* unusable(`${source} must hold a master key of ${keyBytes} bytes in base64`)
  }
  const missing = options.sealedUnder.filter((id) => !ring.all.has(id))
  if (missing.length > 0) {
    return yield* unusable(
      `its secrets are sealed under master key ${missing.join(", ")}, and ${source} holds ${[...ring.all.keys()].join(", ")}; ` +
        `restore the key, or start with an empty database`
    )
  }
  return ring
})

/** A new key from the system's random source. */
export const generate: Effect.Effect<MasterKey> = Effect.sync(() => fromBytes(randomBytes(keyBytes)))

/** Replaces the key file, mode 0600, on disk when it returns. The first key is the one that seals. */
export const write = Effect.fnUntraced(function* (
  file: string,
  keys: readonly [MasterKey, ...ReadonlyArray<MasterKey>]
): Effect.fn.Return<void, StorageUnusable> {
  const lines = keys.map((key) => `${key.secret.export().toString("base64")}\n`)
  yield* PrivateFile.makeFolder(dirname(file))
  yield* PrivateFile.replace(file, lines.join(""), "write the master key")
})

/** The ring of these keys, or undefined when the text is not one to sixteen keys. Pure. */
export const parse = (text: string, source: string): KeyRing | undefined => {
  const words = text.split(/\s+/).filter((word) => word !== "")
  const keys = words.slice(0, maxKeys).flatMap((word) => {
    const bytes = Buffer.from(word, "base64")
    return bytes.length === keyBytes && /^[A-Za-z0-9+/_-]{43}=?$/.test(word) ? [fromBytes(bytes)] : []
  })
  const [current] = keys
  if (current === undefined || keys.length !== words.length) return undefined
  return { current, all: new Map(keys.map((key) => [key.id, key])), source }
}

const fromBytes = (bytes: Buffer): MasterKey => ({
  id: createHash("sha256").update("weir master key id\0").update(bytes).digest("hex").slice(0, 16),
  secret: createSecretKey(bytes)
})

const create = Effect.fnUntraced(function* (file: string): Effect.fn.Return<KeyRing, StorageUnusable> {
  const key = yield* generate
  yield* write(file, [key])
  yield* Effect.logInfo(`Made a new master key: ${file}. Keep a copy of it away from the database`)
  return { current: key, all: new Map([[key.id, key]]), source: file }
})

const readKeyFile = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<Option.Option<Redacted.Redacted>, StorageUnusable> {
  const found = yield* PrivateFile.read(file, "read the master key")
  if (Option.isSome(found) && (found.value.mode & 0o077) !== 0) {
    yield* Effect.logWarning(`Others on this machine can read the master key; to change that: chmod 600 ${file}`)
  }
  return Option.map(found, ({ text }) => Redacted.make(text))
})
