/**
 * FilesRoute: `POST /v1/files`, `GET /v1/files`, and what can be done with one of them.
 *
 * Callers that name an `anthropic-version` from before files left their beta must name that beta.
 *
 * **Source:** `resources/files` and `resources/beta/files` of `@anthropic-ai/sdk` 1.12.
 */
import { Effect, Option } from "effect"
import type { Caller } from "./Accounts.ts"
import { type ApiError, invalid, notFound } from "./ApiError.ts"
import { answerJson, type Call, headersOf, namesOf, playFailure, refuse } from "./Call.ts"
import { deliver } from "./Delivery.ts"
import type { StoredFile } from "./Files.ts"
import { pageOf } from "./ModelList.ts"
import type { Rule } from "./Script.ts"

const WITHOUT_BETA = "2026-10-21"
const MAX_NAME = 255

type Handler = (call: Call, caller: Caller, id: string, rule: Rule) => Effect.Effect<void>

const withRule = (handler: Handler) =>
  Effect.fnUntraced(function* (call: Call, caller: Caller, id: string) {
    const isKnown =
      call.headers["anthropic-version"] === WITHOUT_BETA || call.betas.some((it) => it.startsWith("files-api-"))
    if (!isKnown) return yield* refuse(call, caller, notFound("Not Found"))
    const situation = { operation: "files", callers: namesOf(caller), models: [], stream: false, text: "" } as const
    const chosen = call.state.rules.choose(situation)
    if (yield* playFailure(call, caller, chosen)) return
    yield* handler(call, caller, id, chosen.rule)
  })

const withFile = (handler: (call: Call, caller: Caller, file: StoredFile, rule: Rule) => Effect.Effect<void>) =>
  withRule((call, caller, id, rule) => {
    const file = call.state.files.find(caller.name, id)
    return file === undefined ? refuse(call, caller, missing(id)) : handler(call, caller, file, rule)
  })

/** Keeps the part `file` of a form. */
export const uploadFile = withRule(
  Effect.fnUntraced(function* (call, caller, _, rule) {
    const form = yield* readForm(call)
    const file = Option.match(form, { onNone: () => null, onSome: (fields) => fields.get("file") })
    if (Option.isNone(form)) return yield* refuse(call, caller, invalid("The request body is not a multipart form"))
    if (file === null || typeof file === "string") return yield* refuse(call, caller, invalid("file: Field required"))
    if (file.name === "" || file.name.length > MAX_NAME || /[<>:"|?*\\/\u0000-\u001f]/.test(file.name)) {
      return yield* refuse(call, caller, invalid("Filename must be 1-255 characters without forbidden characters"))
    }
    const lifetime = form.value.get("expires_in_seconds")
    const seconds = lifetime === null ? null : Number(lifetime)
    if (seconds !== null && !(seconds > 0)) {
      return yield* refuse(call, caller, invalid("expires_in_seconds: Input should be greater than 0"))
    }
    const bytes = new Uint8Array(yield* Effect.promise(() => file.arrayBuffer()))
    const upload = {
      account: caller.name,
      filename: file.name,
      mimeType: file.type === "" ? "application/octet-stream" : file.type,
      bytes,
      downloadable: call.state.script.downloadable === true,
      expiresInSeconds: seconds
    }
    const kept = call.state.files.add(upload, call.now)
    yield* kept === null ? refuse(call, caller, full) : answerJson(call, caller, kept, rule)
  })
)

/** A page of the caller's files. */
export const listFiles = withRule((call, caller, _, rule) => {
  const ids = [...call.query].flatMap(([name, value]) => (name === "ids" || name.startsWith("ids[") ? [value] : []))
  const all = call.state.files.list(caller.name)
  const query = new URLSearchParams(call.query)
  const cursor = query.get("page")
  if (cursor !== null) query.set("after_id", cursor)
  const page = pageOf(ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id)), query)
  return page === null
    ? refuse(call, caller, invalid("limit, page, after_id or before_id: Input is not valid"))
    : answerJson(call, caller, { ...page, next_page: page.has_more ? page.last_id : null }, rule)
})

/** What is known of one file. */
export const getFile = withFile((call, caller, { metadata }, rule) => answerJson(call, caller, metadata, rule))

/** Its bytes. */
export const getFileContent = withFile((call, caller, { bytes, expiresAt, metadata }, rule) => {
  if (expiresAt !== null && expiresAt <= call.now) return refuse(call, caller, expired(metadata.id))
  if (!metadata.downloadable) return refuse(call, caller, notDownloadable)
  const usual = { "content-type": metadata.mime_type, "content-length": String(bytes.length) }
  return deliver(call, { status: 200, headers: headersOf(call, caller, usual, rule.headers), frames: [bytes] }, rule)
})

/** Forgets it. */
export const deleteFile = withFile((call, caller, { metadata: { id } }, rule) => {
  call.state.files.remove(caller.name, id)
  return answerJson(call, caller, { id, type: "file_deleted" }, rule)
})

const readForm = (call: Call): Effect.Effect<Option.Option<FormData>> =>
  Effect.option(
    Effect.tryPromise(() =>
      new Response(Buffer.from(call.bytes), {
        headers: { "content-type": call.headers["content-type"] ?? "" }
      }).formData()
    )
  )

const missing = (id: string): ApiError => notFound(`File not found: ${id}`)
const expired = (id: string): ApiError => notFound(`File has expired: ${id}`, { error_code: "file_expired" })
const notDownloadable: ApiError = invalid("File is not downloadable", { error_code: "file_not_downloadable" })
const full: ApiError = invalid("Storage quota exceeded", { error_code: "storage_quota_exceeded" })
