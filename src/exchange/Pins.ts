/**
 * Pins: what a request goes on with that lives at one account, and what an answer leaves at the account that served.
 *
 * **Source:** Anthropic Messages API: `thread`, files, `container`.
 */
import { isRecord, type JsonRecord, parseJson } from "../message/JsonRecord.ts"
import { Clock, Effect } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import type { CountTokensRequest } from "../message/MessagesRequest.ts"
import type { Made, PinKind } from "../message/Pin.ts"
import { ExchangeError } from "./ExchangeError.ts"
import type { PinStore } from "./PinStore.ts"

type Store = PinStore["Service"]

/** What of a request can name things of an account. */
export type Naming = Pick<CountTokensRequest, "messages" | "thread"> & { readonly container?: unknown }

/** What a request names. */
export interface Named {
  /** The message that it goes on from; undefined: it goes on from none. */
  readonly thread: string | null | undefined
  /** Its container, then its files; at most {@link mostNamed}. */
  readonly others: ReadonlyArray<string>
}

/** Most ids that are looked up for one request: the first that is known decides. */
const mostNamed = 100

/** Pure. */
export const namedIn = ({ container, messages, thread }: Naming): Named => ({
  thread: thread?.type === "continue" ? (thread.previous_message_id ?? null) : undefined,
  others: namedBy({ container, messages })
})

/** The models that a batch of messages asks for, as the client names them. Pure. */
export const modelsInBatch = (body: Uint8Array): ReadonlyArray<string> => {
  const models = requestsIn(body).map(({ params }) => (isRecord(params) ? params["model"] : null))
  return [...new Set(models.filter((model) => typeof model === "string"))]
}

const requestsIn = (body: Uint8Array): ReadonlyArray<JsonRecord> => {
  const batch = parseJson(new TextDecoder().decode(body))
  return isRecord(batch) && Array.isArray(batch["requests"]) ? batch["requests"].filter(isRecord) : []
}

/** What the requests of a new batch name; nothing where the body is none. Pure. */
export const namedInBatch = (body: Uint8Array): ReadonlyArray<string> => {
  const text = new TextDecoder().decode(body)
  // Most batches name nothing, and they can be long.
  if (!/"(?:file_id|container)"/.test(text)) return []
  const ids = new Set<string>()
  for (const { params } of requestsIn(body)) {
    if (isRecord(params)) for (const id of namedBy(params)) ids.add(id)
    if (ids.size >= mostNamed) break
  }
  return [...ids].slice(0, mostNamed)
}

/** Container and files. */
const namedBy = ({ container, messages }: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const ids = new Set<string>()
  const id = isRecord(container) ? container["id"] : container
  if (typeof id === "string") ids.add(id)
  for (const message of Array.isArray(messages) ? messages : []) if (isRecord(message)) filesOf(message["content"], ids)
  return [...ids].slice(0, mostNamed)
}

const filesOf = (content: unknown, ids: Set<string>): void => {
  if (!Array.isArray(content)) return
  for (const block of content) {
    if (!isRecord(block)) continue
    const { source } = block
    const named =
      block["type"] === "container_upload" ? block : isRecord(source) && source["type"] === "file" ? source : {}
    if (typeof named["file_id"] === "string") ids.add(named["file_id"])
    filesOf(block["content"], ids)
    if (isRecord(source)) filesOf(source["content"], ids)
  }
}

/**
 * The one credential that can serve a request, or null where any can. A thread that is not known has none; files and
 * containers that are not known are the upstream's to judge.
 */
export const ownerOf = Effect.fnUntraced(function* (
  store: Store,
  request: Naming
): Effect.fn.Return<CredentialId | null, ExchangeError> {
  const { others, thread } = namedIn(request)
  if (thread !== undefined) {
    const owner = thread === null ? null : yield* find(store, thread)
    return owner ?? (yield* new ExchangeError({ reason: { _tag: "ThreadNotFound" } }))
  }
  return yield* ownerOfAny(store, others)
})

/** Whose the first of them is that is known; null where none is. */
export const ownerOfAny = Effect.fnUntraced(function* (
  store: Store,
  ids: Iterable<string>
): Effect.fn.Return<CredentialId | null, ExchangeError> {
  for (const id of ids) {
    const owner = yield* find(store, id)
    if (owner !== null) return owner
  }
  return null
})

/** Whose it is, or null; an unusable storage is no reason to ask the wrong account. */
export const find = (store: Store, id: string): Effect.Effect<CredentialId | null, ExchangeError> =>
  store.find(id).pipe(
    Effect.tapError((error) => Effect.logError("A pin cannot be looked up", error)),
    Effect.mapError(() => new ExchangeError({ reason: { _tag: "Unrecorded" } }))
  )

/** Remembers what an answer left at the account. What cannot be kept is told in the log and fails nothing. */
export const keep = (
  store: Store,
  made: ReadonlyArray<Made>,
  owner: CredentialId,
  wanted: (kind: PinKind) => boolean = () => true
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const kept = made.filter(({ kind }) => wanted(kind))
    if (kept.length === 0) return Effect.void
    const first = kept.slice(0, 3).map(({ id, kind }) => `${kind} ${id}`)
    return Effect.flatMap(Clock.currentTimeMillis, (now) => store.save(kept, owner, now)).pipe(
      Effect.catch((error) => Effect.logError(`It cannot be kept whose ${first.join(", ")} is`, error))
    )
  })
