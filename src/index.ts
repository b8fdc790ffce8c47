/**
 * Weir for other Effect programs: the services, the layers that make them, and the values that pass between them.
 *
 * Made for Node 24 and newer. The server and storage on disk are in `weir/node`; `weir/testing` stands in for what a test
 * leaves out.
 */
export { CacheAccounting } from "./cache/CacheAccounting.ts"
export { ConfigError } from "./config/ConfigError.ts"
export { type ConfigFile, decodeConfig, parseConfig, quickstartConfig } from "./config/ConfigFile.ts"
export { GatewayConfig } from "./config/GatewayConfig.ts"
export { RuntimeSettings } from "./config/RuntimeSettings.ts"
export { SettingsStore } from "./config/SettingsStore.ts"
export { CredentialPool } from "./credential/CredentialPool.ts"
export { CredentialPoolError } from "./credential/CredentialPoolError.ts"
export { CredentialStore } from "./credential/CredentialStore.ts"
export { type Answer, type ClientRequest, Exchange } from "./exchange/Exchange.ts"
export { ExchangeError } from "./exchange/ExchangeError.ts"
export { type AnswerHead, type EventSink } from "./exchange/Relay.ts"
export * as Gateway from "./Gateway.ts"
export type { Credential } from "./message/Credential.ts"
export { FailureKind, FailureReason, FailureScope } from "./message/FailureReason.ts"
export { ClientKeyId, ConversationId, CredentialId, GroupId, RequestId, UpstreamId } from "./message/Ids.ts"
export type { Lease } from "./message/Lease.ts"
export type { Message, MessageEvent } from "./message/MessageEvent.ts"
export { CountTokensRequest, MessagesRequest } from "./message/MessagesRequest.ts"
export { StorageError } from "./message/StorageError.ts"
export type { Usage } from "./message/Usage.ts"
export { ClientKeys } from "./policy/ClientKeys.ts"
export { KeyStore } from "./policy/KeyStore.ts"
export { Dispatch } from "./upstream/Dispatch.ts"
export * as KiroProvider from "./upstream/kiro/KiroProvider.ts"
export { RefreshFailure } from "./upstream/RefreshFailure.ts"
export { UpstreamFailure } from "./upstream/UpstreamFailure.ts"
export { type Settlement, type UpstreamCall, UpstreamProvider } from "./upstream/UpstreamProvider.ts"
