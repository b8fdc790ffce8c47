/**
 * What a test puts in the place of what it leaves out: stores in memory, the sandbox for an upstream, and Kiro and
 * Anthropic as servers on real sockets.
 */
export * as AuditStoreMemory from "./admin/AuditStoreMemory.ts"
export * as CredentialStoreMemory from "./credential/CredentialStoreMemory.ts"
export * as PinStoreMemory from "./exchange/PinStoreMemory.ts"
export * as LedgerStoreMemory from "./ledger/LedgerStoreMemory.ts"
export * as KeyStoreMemory from "./policy/KeyStoreMemory.ts"
export * as SettingsStoreMemory from "./config/SettingsStoreMemory.ts"
export { AnthropicSimulator, type AnthropicSimulatorOptions } from "./simulator/anthropic/AnthropicSimulator.ts"
export * as AnthropicScript from "./simulator/anthropic/Script.ts"
export { KiroSimulator, type KiroSimulatorOptions, type Simulator } from "./simulator/KiroSimulator.ts"
export { parseScript, Rule, type Script, Step } from "./simulator/Script.ts"
export * as SandboxProvider from "./upstream/sandbox/SandboxProvider.ts"
export {
  type Behaviour,
  type ConformanceCase,
  ConformanceError,
  type ConformanceSubject,
  conformanceCases
} from "./testing/UpstreamConformance.ts"
