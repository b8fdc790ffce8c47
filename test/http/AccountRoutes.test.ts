/** Files and batches over real sockets, in front of a stand-in of Anthropic's API that keeps them by account. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { type IncomingMessage, request as rawRequest, type ServerResponse } from "node:http"
import { CredentialId } from "../../src/message/Ids.ts"
import { anthropic } from "../storage/StoreCases.ts"
import { makeStandIn, sendError, sendJson, type StandInCall, upstreamAt } from "../support/AnthropicStandIn.ts"
import { type Answered, ask, at, saying } from "../support/Ask.ts"
import { clientKey, makeRig } from "../support/Rig.ts"

type Answering = (call: StandInCall, response: ServerResponse, n: number) => void

/** What an account is told about itself, and about the body. */
const telling = {
  "anthropic-organization-id": "org_secret",
  "anthropic-ratelimit-requests-remaining": "7",
  "set-cookie": "session=1",
  "request-id": "req_upstream",
  etag: '"e"'
}

const batchOf = (id: string) => ({
  id,
  type: "message_batch",
  processing_status: "ended",
  results_url: `https://api.test/v1/messages/batches/${id}/results`
})

/** Each account has its own files and batches, named after it. */
const byAccount: Answering = (call, response, n) => {
  const { account, method, path } = call
  const [folder = ""] = path.split("?")
  const id = /(?:files|batches)\/(\w+)/.exec(folder)?.[1] ?? null
  if (id !== null && !id.includes(`_${account}_`)) return sendError(response, 404, "not_found_error")
  if (folder.endsWith("/content")) {
    response.writeHead(200, { ...telling, "content-type": "application/x-thing", "content-disposition": "attachment" })
    return void response.end(Buffer.from([0, 255, 10, 13]))
  }
  if (folder.endsWith("/results"))
    return void response.writeHead(200, { "content-type": "application/x-jsonl" }).end('{"custom_id":"1"}\n')
  const isFile = folder.startsWith("/v1/files")
  const thing = (id: string) => (isFile ? { id, type: "file", filename: "a" } : batchOf(id))
  if (id !== null)
    return sendJson(response, method === "DELETE" ? { id, type: "deleted" } : thing(id), { headers: telling })
  const made = `${isFile ? "file" : "msgbatch"}_${account}_${n}`
  return sendJson(response, method === "POST" ? thing(made) : { data: [thing(made)], has_more: false }, {
    headers: telling
  })
}

/** A gateway with two accounts, `a` before `b`. */
const makeTwo = Effect.fnUntraced(function* (answering: Answering = byAccount, config = {}) {
  const upstream = yield* makeStandIn(answering)
  const rig = yield* makeRig({
    credentials: [anthropic("a"), anthropic("b", { priority: 1 })],
    config: { ...upstreamAt(upstream.url), ...config }
  })
  return { rig, calls: upstream.calls, asked: () => upstream.calls.map(({ account }) => account) }
})

const b = CredentialId.make("b")
const errorOf = ({ json, status }: Answered) => [status, at(json, "error", "type")]
const multipart = { "content-type": "multipart/form-data; boundary=x", "anthropic-beta": "files-api-2025-04-14" }
const upload = { method: "POST", headers: multipart, body: "--x\r\nnot JSON\r\n--x--" }

/** A download whose client takes no more than it is given time for. */
const slowly = (url: string, path: string) =>
  Effect.callback<IncomingMessage>((done) => {
    const request = rawRequest(url + path, { headers: { "x-api-key": clientKey } }, (response) => {
      response.pause()
      done(Effect.succeed(response))
    })
    request.end()
    return Effect.sync(() => request.destroy())
  })

describe("files", () => {
  it.live("are made, read, listed and deleted at one account, their bytes and headers as they are", () =>
    Effect.gen(function* () {
      const { asked, calls, rig } = yield* makeTwo()
      const made = yield* ask(rig, "/v1/files?beta=true", upload)
      assert.strictEqual(made.status, 200)
      assert.strictEqual(at(made.json, "id"), "file_a_1")
      const sent = calls[0] ?? assert.fail("nothing was sent")
      assert.strictEqual(sent.path, "/v1/files?beta=true")
      assert.strictEqual(sent.body.toString("utf8"), upload.body)
      assert.strictEqual(sent.headers["content-type"], multipart["content-type"])
      assert.strictEqual(sent.headers["anthropic-beta"], multipart["anthropic-beta"])
      assert.strictEqual(yield* rig.pins.find("file_a_1"), "a")

      assert.strictEqual(at((yield* ask(rig, "/v1/files/file_a_1")).json, "filename"), "a")
      const content = yield* Effect.promise(async () => {
        const response = await fetch(`${rig.url}/v1/files/file_a_1/content`, { headers: { "x-api-key": clientKey } })
        return { headers: response.headers, bytes: [...new Uint8Array(await response.arrayBuffer())] }
      })
      assert.deepStrictEqual(content.bytes, [0, 255, 10, 13])
      assert.strictEqual(content.headers.get("content-type"), "application/x-thing")
      assert.strictEqual(content.headers.get("content-disposition"), "attachment")
      for (const headers of [made.headers, content.headers]) {
        assert.match(headers.get("request-id") ?? "", /^req_\w{24}$/)
        assert.strictEqual(headers.get("weir-upstream"), "anthropic")
        assert.strictEqual(headers.get("etag"), '"e"')
        const names = [...headers.keys()].filter((name) => name.startsWith("anthropic-") || name === "set-cookie")
        assert.deepStrictEqual(names, [])
      }
      yield* rig.pins.save([{ kind: "file", id: "file_a_4" }], CredentialId.make("gone"), 0)
      const listed = yield* ask(rig, "/v1/files?limit=5")
      assert.strictEqual(at(listed.json, "data", 0, "id"), "file_a_4")
      assert.strictEqual(yield* rig.pins.find(String(at(listed.json, "data", 0, "id"))), "a")

      assert.strictEqual((yield* ask(rig, "/v1/files/file_a_1", { method: "DELETE" })).status, 200)
      assert.isNull(yield* rig.pins.find("file_a_1"))
      assert.deepStrictEqual(errorOf(yield* ask(rig, "/v1/files/file_a_1")), [404, "not_found_error"])
      assert.deepStrictEqual(asked(), ["a", "a", "a", "a", "a"])
    })
  )

  it.live("of one account are asked of no other, and those that are not known of nobody", () =>
    Effect.gen(function* () {
      const { asked, rig } = yield* makeTwo()
      yield* rig.pins.save([{ kind: "file", id: "file_b_1" }], b, 0)
      yield* rig.pins.save([{ kind: "file", id: "file_gone" }], CredentialId.make("gone"), 0)
      assert.strictEqual((yield* ask(rig, "/v1/files/file_b_1")).status, 200)
      for (const id of ["file_unknown", "file_gone", "..%2Fmodels"]) {
        assert.deepStrictEqual(errorOf(yield* ask(rig, `/v1/files/${id}`)), [404, "not_found_error"], id)
        assert.deepStrictEqual(errorOf(yield* ask(rig, `/v1/files/${id}/content`)), [404, "not_found_error"], id)
      }
      assert.deepStrictEqual(asked(), ["b"])
    })
  )

  it.live("are made at another account where one is over its limit, and the client's next ones too", () =>
    Effect.gen(function* () {
      const { asked, rig } = yield* makeTwo((call, response, n) =>
        n === 1 ? sendError(response, 429, "rate_limit_error") : byAccount(call, response, n)
      )
      assert.strictEqual(at((yield* ask(rig, "/v1/files", upload)).json, "id"), "file_b_2")
      assert.strictEqual((yield* ask(rig, "/v1/files")).status, 200)
      assert.deepStrictEqual(asked(), ["a", "b", "b"])
    })
  )

  it.live("are not made twice where it is not known whether they were made", () =>
    Effect.gen(function* () {
      const { asked, rig } = yield* makeTwo((_, response) => sendError(response, 500, "api_error"))
      assert.deepStrictEqual(errorOf(yield* ask(rig, "/v1/files", upload)), [502, "api_error"])
      assert.deepStrictEqual(asked(), ["a"])
    })
  )

  it.live("that are refused are refused in the upstream's words, and still known where deleting failed", () =>
    Effect.gen(function* () {
      const { rig } = yield* makeTwo((_, response) => sendError(response, 400, "invalid_request_error"))
      yield* rig.pins.save([{ kind: "file", id: "file_b_1" }], b, 0)
      for (const [path, asking] of [
        ["/v1/files", upload],
        ["/v1/files/file_b_1", { method: "DELETE" }],
        ["/v1/files/file_b_1/content", {}]
      ] as const) {
        const answer = yield* ask(rig, path, asking)
        assert.deepStrictEqual(errorOf(answer), [400, "invalid_request_error"])
        assert.strictEqual(at(answer.json, "error", "message"), "the stand-in says 400")
        assert.strictEqual(at(answer.json, "request_id"), answer.headers.get("request-id"))
      }
      assert.strictEqual(yield* rig.pins.find("file_b_1"), "b")
    })
  )

  it.live("stream to a client that reads slowly no faster than it reads, and end where it goes", () =>
    Effect.gen(function* () {
      const piece = Buffer.alloc(64 * 1024)
      let written = 0
      const { rig } = yield* makeTwo((_, response) => {
        response.writeHead(200, { "content-type": "application/octet-stream" })
        const more = () => {
          while (response.write(piece)) written += piece.length
          written += piece.length
        }
        response.on("drain", more)
        more()
      })
      yield* rig.pins.save([{ kind: "file", id: "file_b_1" }], b, 0)
      const outstanding = Effect.map(rig.pool.snapshot, (snapshot) => snapshot.outstanding)
      const response = yield* slowly(rig.url, "/v1/files/file_b_1/content")
      assert.strictEqual(yield* outstanding, 1)
      const settled = Effect.gen(function* () {
        const before = written
        yield* Effect.sleep("100 millis")
        return written === before
      })
      yield* eventually(settled)
      // Less than the buffers of two sockets and Node's own.
      assert.isBelow(written, 64 * 1024 * 1024)
      response.destroy()
      yield* eventually(Effect.map(outstanding, (n) => n === 0))
    })
  )

  it.live("that break off on the way are seen to be broken", () =>
    Effect.gen(function* () {
      const { rig } = yield* makeTwo((_, response) => {
        response.writeHead(200, { "content-type": "application/octet-stream" })
        response.write("half", () => response.destroy())
      })
      yield* rig.pins.save([{ kind: "file", id: "file_b_1" }], b, 0)
      const broken = yield* Effect.promise(async () => {
        const response = await fetch(`${rig.url}/v1/files/file_b_1/content`, { headers: { "x-api-key": clientKey } })
        return response.text().then(
          () => "whole",
          () => "broken"
        )
      })
      assert.strictEqual(broken, "broken")
    })
  )

  it.live("are taken up to the limit of a body, and as they are only", () =>
    Effect.gen(function* () {
      const { asked, rig } = yield* makeTwo(byAccount, { server: { maxBody: "1KiB" } })
      const long = { ...upload, body: "x".repeat(1025) }
      assert.deepStrictEqual(errorOf(yield* ask(rig, "/v1/files", long)), [413, "request_too_large"])
      const packed = { ...upload, headers: { ...multipart, "content-encoding": "gzip" } }
      assert.strictEqual((yield* ask(rig, "/v1/files", packed)).status, 415)
      assert.deepStrictEqual(asked(), [])
    })
  )
})

describe("batches", () => {
  it.live("tell of their results at this gateway, where the client's key is good", () =>
    Effect.gen(function* () {
      const { asked, rig } = yield* makeTwo()
      const made = yield* ask(rig, "/v1/messages/batches", { body: { requests: [] } })
      const id = String(at(made.json, "id"))
      const here = `${rig.url}/v1/messages/batches/${id}/results`
      assert.strictEqual(at(made.json, "results_url"), here)
      const path = `/v1/messages/batches/${id}`
      assert.strictEqual(at((yield* ask(rig, path)).json, "results_url"), here)
      assert.strictEqual(at((yield* ask(rig, `${path}/cancel`, { method: "POST" })).json, "results_url"), here)
      const secure = yield* ask(rig, path, { headers: { "x-forwarded-proto": "https" } })
      assert.strictEqual(at(secure.json, "results_url"), here.replace("http:", "https:"))
      const listed = yield* ask(rig, "/v1/messages/batches")
      assert.match(String(at(listed.json, "data", 0, "results_url")), new RegExp(`^${rig.url}/v1/`))
      const results = yield* ask(rig, here.slice(rig.url.length))
      assert.deepStrictEqual([results.status, results.text], [200, '{"custom_id":"1"}\n'])
      assert.strictEqual((yield* ask(rig, path, { method: "DELETE" })).status, 200)
      assert.strictEqual((yield* ask(rig, path)).status, 404)
      assert.deepStrictEqual([...new Set(asked())], ["a"])
    })
  )

  it.live("go to the account that has the files they name", () =>
    Effect.gen(function* () {
      const { asked, rig } = yield* makeTwo()
      yield* rig.pins.save([{ kind: "file", id: "file_b_1" }], b, 0)
      const params = saying([{ type: "document", source: { type: "file", file_id: "file_b_1" } }])
      yield* ask(rig, "/v1/messages/batches", { body: { requests: [{ custom_id: "1", params }] } })
      assert.deepStrictEqual(asked(), ["b"])
    })
  )
})

describe("the routes of accounts", () => {
  it.live("say so where no upstream keeps anything", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      for (const [method, path] of [
        ["GET", "/v1/files"],
        ["POST", "/v1/files"],
        ["GET", "/v1/files/file_1/content"],
        ["POST", "/v1/messages/batches"],
        ["GET", "/v1/messages/batches/msgbatch_1"]
      ] as const) {
        const answer = yield* ask(rig, path, { method })
        assert.deepStrictEqual(errorOf(answer), [404, "not_found_error"], path)
        assert.match(String(at(answer.json, "error", "message")), /no upstream of this gateway/)
      }
    })
  )

  it.live("are there for clients with a key, by their own methods", () =>
    Effect.gen(function* () {
      const { asked, rig } = yield* makeTwo()
      for (const path of ["/v1/files", "/v1/files/x/content", "/v1/messages/batches"]) {
        assert.strictEqual((yield* ask(rig, path, { headers: { "x-api-key": "wrong" } })).status, 401, path)
      }
      for (const [method, path, status] of [
        ["PUT", "/v1/files", 405],
        ["DELETE", "/v1/files", 405],
        ["POST", "/v1/files/x", 405],
        ["POST", "/v1/files/x/content", 405],
        ["HEAD", "/v1/files/x/content", 405],
        ["GET", "/v1/messages/batches/x/cancel", 405],
        ["PATCH", "/v1/messages/batches/x", 405],
        ["GET", "/v1/files/x/content/more", 404]
      ] as const) {
        assert.strictEqual((yield* ask(rig, path, { method })).status, status, `${method} ${path}`)
      }
      assert.deepStrictEqual(asked(), [])
    })
  )

  it.live("let pages of configured origins in", () =>
    Effect.gen(function* () {
      const origin = "https://app.example.com"
      const { rig } = yield* makeTwo(byAccount, { server: { corsOrigins: [origin] } })
      yield* rig.pins.save([{ kind: "file", id: "file_b_1" }], b, 0)
      for (const path of ["/v1/files", "/v1/files/file_b_1/content", "/v1/files/unknown"]) {
        const answer = yield* ask(rig, path, { headers: { origin } })
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), origin, path)
      }
      const asked = { origin, "access-control-request-method": "DELETE" }
      const preflight = yield* ask(rig, "/v1/files/x", { method: "OPTIONS", headers: asked })
      assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /DELETE/)
    })
  )
})

/** Asks until it holds; for what another process's socket tells a moment later. */
const eventually = (holds: Effect.Effect<boolean>) =>
  holds.pipe(
    Effect.filterOrFail(
      (is) => is,
      () => "not yet"
    ),
    Effect.retry(Schedule.spaced("5 millis").pipe(Schedule.upTo({ duration: "5 seconds" })))
  )
