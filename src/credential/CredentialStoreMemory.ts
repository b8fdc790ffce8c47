/**
 * CredentialStoreMemory: a `CredentialStore` that lives as long as its layer; for tests and for hosts that keep their
 * credentials elsewhere.
 *
 * Unbounded by itself: it holds what was added to it.
 */
import { Effect, Layer, Ref } from "effect"
import { type Credential, isSignedIn, type RefreshedTokens } from "../message/Credential.ts"
import type { CredentialId } from "../message/Ids.ts"
import { CredentialStore, type ImportedCredential, type StoredCredential, untouched } from "./CredentialStore.ts"

interface State {
  /** By id, in the order of adding. */
  readonly rows: ReadonlyMap<CredentialId, StoredCredential & { readonly fingerprint: string }>
  readonly everHeldOne: boolean
  /** Fingerprints. */
  readonly removed: ReadonlySet<string>
}

const empty: State = { rows: new Map(), everHeldOne: false, removed: new Set() }

/** Starts with these credentials, in this order, unused. */
export const layer = (initial: ReadonlyArray<ImportedCredential> = []): Layer.Layer<CredentialStore> =>
  Layer.effect(
    CredentialStore,
    Effect.gen(function* () {
      const start = initial.reduce((state, imported) => add(state, imported)[1], empty)
      const state = yield* Ref.make(start)

      const change = (id: CredentialId, f: (row: StoredCredential) => StoredCredential) =>
        Ref.update(state, (current): State => {
          const row = current.rows.get(id)
          if (row === undefined) return current
          return { ...current, rows: new Map(current.rows).set(id, { ...row, ...f(row) }) }
        })

      return CredentialStore.of({
        load: Effect.map(Ref.get(state), ({ rows }) =>
          [...rows.values()]
            .map(({ credential, health }) => ({ credential, health }))
            .toSorted((a, b) => a.credential.priority - b.credential.priority)
        ),
        everHeldOne: Effect.map(Ref.get(state), (current) => current.everHeldOne),
        find: (fingerprint) => Effect.map(Ref.get(state), (current) => idOf(current, fingerprint)),
        wasRemoved: (fingerprint) => Effect.map(Ref.get(state), ({ removed }) => removed.has(fingerprint)),
        add: (imported) => Ref.modify(state, (current) => add(current, imported)),
        saveTokens: (id, tokens) =>
          change(id, ({ credential, health }) => ({ health, credential: withTokens(credential, tokens) })),
        saveHealth: (id, health) => change(id, ({ credential }) => ({ credential, health })),
        update: (id, fields) =>
          change(id, ({ credential, health }) => ({ health, credential: { ...credential, ...fields } })),
        remove: (id) =>
          Ref.update(state, (current) => {
            const row = current.rows.get(id)
            if (row === undefined) return current
            const rows = new Map(current.rows)
            rows.delete(id)
            return { ...current, rows, removed: new Set([...current.removed, row.fingerprint]) }
          })
      })
    })
  )

type Added = { readonly status: "added" | "duplicate"; readonly id: CredentialId }

const add = (state: State, { credential, fingerprint }: ImportedCredential): readonly [Added, State] => {
  const known = idOf(state, fingerprint)
  if (known !== null) return [{ status: "duplicate", id: known }, state]
  const rows = new Map(state.rows).set(credential.id, { credential, fingerprint, health: untouched })
  return [
    { status: "added", id: credential.id },
    { rows, everHeldOne: true, removed: new Set([...state.removed].filter((one) => one !== fingerprint)) }
  ]
}

const idOf = ({ rows }: State, fingerprint: string): CredentialId | null => {
  for (const [id, row] of rows) if (row.fingerprint === fingerprint) return id
  return null
}

const withTokens = (credential: Credential, tokens: RefreshedTokens): Credential => {
  if (!isSignedIn(credential)) return credential
  const merged = {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken ?? credential.refreshToken,
    expiresAt: tokens.expiresAt,
    profileArn: tokens.profileArn ?? credential.profileArn
  }
  return credential.kind === "external_idp"
    ? { ...credential, ...merged, tokenEndpoint: tokens.tokenEndpoint ?? credential.tokenEndpoint }
    : { ...credential, ...merged }
}
