/**
 * PoolRig: a pool over stores in memory and a provider that does what a test says, without network.
 */
import { DateTime, Effect, Layer, Redacted } from "effect"
import { quickstartConfig, type WrittenSection } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import type { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as CredentialStoreMemory from "../../src/credential/CredentialStoreMemory.ts"
import { anyNeed } from "../../src/credential/Eligibility.ts"
import type { Credential, RefreshedTokens } from "../../src/message/Credential.ts"
import type { FailureKind, FailureReason } from "../../src/message/FailureReason.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import { failure } from "../../src/upstream/UpstreamFailure.ts"
import { UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"
import { social } from "../storage/StoreCases.ts"

export const id = (name: string): CredentialId => CredentialId.make(name)

export { anyNeed }

export const succeeded = { kind: "success", conversation: null } as const

/** A credential whose token is good for long, and that needs no profile. */
export const ready = (name: string, changes: Parameters<typeof social>[1] = {}) =>
  social(name, { expiresAt: DateTime.makeUnsafe("2030-01-01T00:00:00Z"), profileArn: "arn", ...changes })

export const failureOf = (kind: FailureKind, changes: Partial<FailureReason> = {}): FailureReason => ({
  kind,
  scope: "credential",
  status: null,
  message: "",
  retryAfterMs: null,
  directoryKey: null,
  ...changes
})

/** The tokens of the nth refresh. */
export const refreshed = (n: number, changes: Partial<RefreshedTokens> = {}): RefreshedTokens => ({
  accessToken: Redacted.make(`access ${n}`),
  refreshToken: Redacted.make(`refresh ${n}`),
  expiresAt: DateTime.makeUnsafe("2030-01-01T00:00:00Z"),
  profileArn: null,
  tokenEndpoint: null,
  ...changes
})

export interface PoolRigOptions {
  /** Members of the settings as a file would write them. */
  readonly pool?: WrittenSection
  readonly cooldown?: WrittenSection
  readonly provider?: Partial<
    Pick<UpstreamProvider["Service"], "balance" | "discoverProfile" | "listModels" | "refresh" | "send">
  >
}

export const settingsLayer = ({ cooldown = {}, pool = {} }: PoolRigOptions = {}): Layer.Layer<RuntimeSettings> => {
  const { config, written } = quickstartConfig("/nowhere")
  return RuntimeSettings.layerMemory({ config, written: { ...written, pool, cooldown } })
}

export const storeOf = (credentials: ReadonlyArray<Credential>): Layer.Layer<CredentialStore> =>
  CredentialStoreMemory.layer(credentials.map((credential) => ({ credential, fingerprint: credential.id })))

/** A provider that is not asked where the test does not say what it answers. */
export const providerLayer = ({ provider }: PoolRigOptions = {}): Layer.Layer<UpstreamProvider> =>
  Layer.mock(UpstreamProvider, {
    answersWhole: () => false,
    discoverProfile: () => Effect.succeed(null),
    listModels: () => Effect.succeed([]),
    balance: () => Effect.fail(failure("upstream_error", "upstream", "not told")),
    ...provider
  })

/** The pool and its settings, over these credentials. */
export const poolOf = (credentials: ReadonlyArray<Credential>, options: PoolRigOptions = {}) =>
  poolOver(storeOf(credentials), options)

export const poolOver = (store: Layer.Layer<CredentialStore>, options: PoolRigOptions = {}) =>
  Layer.fresh(CredentialPool.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(settingsLayer(options), providerLayer(options), store)),
    Layer.orDie
  )

/** Lets every fiber that can go on do so; no time passes. */
export const settle: Effect.Effect<void> = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, {
  discard: true
})
