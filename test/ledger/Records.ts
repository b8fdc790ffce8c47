/**
 * Records: requests as the ledger has them, for tests.
 */
import { ConversationId, CredentialId } from "../../src/message/Ids.ts"
import { nothingUsed, type RequestIntent, type RequestRecord } from "../../src/message/RequestRecord.ts"

export const intent = (id: string, more: Partial<RequestIntent> = {}): RequestIntent => ({
  id,
  time: 1_000,
  keyId: "key-1",
  model: "claude-sonnet-4-5",
  resolvedModel: "claude-sonnet-4.5",
  stream: true,
  conversation: ConversationId.make("0b3f1a52-7c1e-4d70-9a55-0d5b1c3e7f01"),
  ...more
})

export const attempt = (id: string): RequestRecord["attempts"][number] => ({
  credentialId: CredentialId.make(id),
  upstream: "kiro",
  failure: { kind: "rate_limit", status: 429, scope: "credential" },
  upstreamRequestId: "upstream-1",
  usage: null,
  credits: null,
  refreshed: false,
  phases: { queue: 0, upstreamHeader: null, firstEvent: null, total: 3 },
  why: {
    because: "it is first",
    counts: { eligible: 1, cooldown: 0, disabled: 0, full: 0, model: 0, group: 0, tried: 0 },
    credentials: [CredentialId.make(id)]
  }
})

export const record = (id: string, more: Partial<RequestRecord> = {}): RequestRecord => ({
  ...intent(id),
  outcome: "ok",
  stopReason: "end_turn",
  status: 200,
  error: null,
  usage: { ...nothingUsed, input_tokens: 10, output_tokens: 5, source: "upstream" },
  reported: null,
  webSearches: 0,
  credits: 0.01,
  phases: { queue: 1, upstreamHeader: 2, firstEvent: 3, total: 4 },
  attempts: [attempt("a")],
  ...more
})
