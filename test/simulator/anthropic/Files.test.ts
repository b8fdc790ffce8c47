/** Files, as the SDK handles them. */
import { BadRequestError, NotFoundError, toFile } from "@anthropic-ai/sdk"
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { ask, at, clientOf, model, rejected, test } from "./Sdk.ts"

const upload = (text: string, name = "notes.txt") => toFile(Buffer.from(text), name, { type: "text/plain" })

describe("files", () => {
  test("are uploaded, told, downloaded and deleted", { downloadable: true }, async (sdk) => {
    const file = await sdk.files.upload({ file: await upload("grüß dich") })
    assert.deepInclude(file, { type: "file", filename: "notes.txt", mime_type: "text/plain", size_bytes: 11 })
    assert.deepStrictEqual(await sdk.files.retrieveMetadata(file.id), file)
    assert.strictEqual(await (await sdk.files.download(file.id)).text(), "grüß dich")
    assert.deepStrictEqual({ ...(await sdk.files.delete(file.id)) }, { id: file.id, type: "file_deleted" })
    assert.instanceOf(await rejected(sdk.files.retrieveMetadata(file.id)), NotFoundError)
  })

  test("come back byte by byte, whatever the bytes", { downloadable: true }, async (sdk) => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, n) => (n * 7) % 256)
    const file = await sdk.files.upload({ file: await toFile(bytes, "raw.bin") })
    const back = new Uint8Array(await (await sdk.files.download(file.id)).arrayBuffer())
    assert.isTrue(Buffer.from(back).equals(bytes))
  })

  test("are not to be downloaded unless the script lets them", {}, async (sdk) => {
    const file = await sdk.files.upload({ file: await upload("x") })
    const error = await rejected(sdk.files.download(file.id))
    assert(error instanceof BadRequestError)
    assert.strictEqual(error.errorCode, "file_not_downloadable")
  })

  test("are listed a page at a time, newest first", {}, async (sdk) => {
    const put = async (name: string) => (await sdk.files.upload({ file: await upload(name, name) })).id
    const [first, second, third] = [await put("a"), await put("b"), await put("c")]
    const made = [third, second, first]
    const ids: Array<string> = []
    for await (const file of sdk.files.list({ limit: 2 })) ids.push(file.id)
    assert.deepStrictEqual(ids, made)
    const some = await sdk.files.list({ ids: made.slice(0, 1) })
    assert.deepStrictEqual(
      some.data.map(({ id }) => id),
      made.slice(0, 1)
    )
  })

  test("belong to the account that made them, in messages too", {}, async (sdk, server) => {
    const { id } = await sdk.files.upload({ file: await upload("mine") })
    const other = clientOf(server, { apiKey: "key-2" })
    const source = { type: "file" as const, file_id: id }
    const request = {
      model,
      max_tokens: 9,
      messages: [{ role: "user" as const, content: [{ type: "document" as const, source }] }]
    }
    assert.strictEqual((await sdk.messages.create(request)).type, "message")
    const refusals = [
      other.files.retrieveMetadata(id),
      other.files.download(id),
      other.files.delete(id),
      other.messages.create(request)
    ]
    for (const error of await Promise.all(refusals.map((refused) => rejected(refused)))) {
      assert(error instanceof NotFoundError)
      assert.strictEqual(error.apiMessage, `File not found: ${id}`)
    }
    assert.deepStrictEqual((await other.files.list()).data, [])
    assert.strictEqual((await sdk.files.retrieveMetadata(id)).id, id)
  })

  test("need their beta where the version is an old one", {}, async (sdk, server) => {
    const headers = { "anthropic-version": "2023-06-01" }
    assert.strictEqual((await ask(server, "/v1/files", { headers })).status, 404)
    const named = await ask(server, "/v1/files", { headers: { ...headers, "anthropic-beta": "files-api-2025-04-14" } })
    assert.strictEqual(named.status, 200)
    assert.strictEqual((await sdk.beta.files.list({ betas: ["files-api-2025-04-14"] })).data.length, 0)
  })

  test("are refused where there is no form, no file, or a name that is none", {}, async (sdk, server) => {
    const headers = { "anthropic-beta": "files-api-2025-04-14" }
    const plain = await ask(server, "/v1/files", { headers, body: {} })
    assert.strictEqual(at(plain.json, "error", "message"), "The request body is not a multipart form")
    assert.instanceOf(await rejected(sdk.files.upload({ file: await upload("x", "a?b") })), BadRequestError)
  })

  test("fail by script", { rules: [{ operation: "files", fail: "internal" }] }, async (sdk, server) => {
    assert.isDefined(await rejected(sdk.files.list()))
    assert.deepInclude((await Effect.runPromise(server.requests))[0], {
      operation: "files",
      status: 500,
      refused: null
    })
  })
})
