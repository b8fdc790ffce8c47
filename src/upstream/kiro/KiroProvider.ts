/**
 * KiroProvider: Kiro (AWS CodeWhisperer, Amazon Q Developer) as an upstream.
 */
import { Effect, Layer } from "effect"
import type { Credential } from "../../message/Credential.ts"
import { Dispatch } from "../Dispatch.ts"
import { DocumentText } from "../DocumentText.ts"
import { failure } from "../UpstreamFailure.ts"
import { UpstreamProvider } from "../UpstreamProvider.ts"
import { answer } from "./KiroAnswer.ts"
import { refresh } from "./KiroAuth.ts"
import { Forms } from "./KiroForms.ts"
import type { KiroOptions } from "./KiroHttp.ts"
import { balance, discoverProfile, listModels } from "./KiroModels.ts"

/** The credentials that its calls are made with. */
export const kinds: ReadonlySet<Credential["kind"]> = new Set<Credential["kind"]>([
  "api_key",
  "social",
  "idc",
  "external_idp"
])

/** The provider for one configured upstream, to be put behind `UpstreamProvider` alone or among others. */
export const make = (
  options: KiroOptions
): Effect.Effect<UpstreamProvider["Service"], never, Dispatch | DocumentText> =>
  Effect.gen(function* () {
    const dispatch = yield* Dispatch
    const documents = yield* DocumentText
    const forms = new Forms(documents)
    const auth = { ...options, headers: { "user-agent": `weir/${options.version}` } }
    return UpstreamProvider.of({
      send: (call, lease, sink) =>
        answer({ dispatch: dispatch.via(lease.egress), documents, options }, forms, call, lease, sink),
      forward: () => Effect.fail(failure("client_error", "none", "Kiro keeps neither files nor batches")),
      answersWhole: () => false,
      listModels: (lease) => listModels(dispatch.via(lease.egress), options, lease),
      refresh: (credential, egress) => refresh(dispatch.via(egress), credential, auth),
      discoverProfile: (lease) => discoverProfile(dispatch.via(lease.egress), options, lease),
      balance: (lease) => balance(dispatch.via(lease.egress), options, lease)
    })
  })

/** Kiro as the one upstream. */
export const layer = (options: KiroOptions): Layer.Layer<UpstreamProvider, never, Dispatch | DocumentText> =>
  Layer.effect(UpstreamProvider, make(options))
