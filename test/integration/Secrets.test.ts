/**
 * No secret comes out: marked ones are planted everywhere, every route is called well and badly, and everything that
 * leaves the process (answers, headers, live events, log lines, spans, metrics) is searched for the marks.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, DateTime, Effect, Exit, Layer, Logger, Redacted, References, Tracer } from "effect"
import { HttpServer } from "effect/http"
import { AdminApi } from "../../src/admin/AdminApi.ts"
import { decodeConfig } from "../../src/config/ConfigFile.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as Gateway from "../../src/Gateway.ts"
import type { Credential } from "../../src/message/Credential.ts"
import { GroupId, UpstreamId } from "../../src/message/Ids.ts"
import { layerServer, layerUpstreams } from "../../src/node.ts"
import { Dispatch } from "../../src/upstream/Dispatch.ts"
import * as DocumentWorker from "../../src/upstream/DocumentWorker.ts"
import { readEvents } from "../admin/EventReader.ts"
import { storageIn, tempFolder } from "../storage/TestDatabase.ts"
import { social } from "../storage/StoreCases.ts"
import { ask, saying, scripted } from "../support/Ask.ts"
import { credentialBase } from "../support/Credentials.ts"
import { makeSimulator } from "../support/JudgedSimulator.ts"
import { apiKey } from "../support/Rig.ts"

const mark = "MARKED"
const marked = (what: string) => Redacted.make(`${mark}-${what}`)
const adminKey = `${mark}-admin-key-of-this-test`
const clientKey = `${mark}-client-key-of-this-test`
/** Base64 of 32 bytes that spells the mark. */
const masterKey = `${mark}${"A".repeat(37)}=`
const longToken = `${mark}-refresh:`.padEnd(140, "r")

const proxy = { kind: "proxy", url: "http://127.0.0.1:9", username: `${mark}-user`, password: marked("proxy") } as const
const written = { url: "http://127.0.0.1:9", username: `${mark}-user`, password: `${mark}-group-proxy` }

const credentials: ReadonlyArray<Credential> = [
  apiKey("ksk_key", { apiKey: Redacted.make(`ksk_${mark}`) }),
  apiKey("ksk_proxied", { apiKey: Redacted.make(`ksk_${mark}2`), proxy, priority: 1 }),
  social("social", {
    accessToken: marked("access"),
    refreshToken: Redacted.make(longToken),
    expiresAt: DateTime.makeUnsafe("2030-01-01T00:00:00Z"),
    priority: 2,
    group: GroupId.make("eu")
  }),
  {
    kind: "idc",
    ...credentialBase("idc"),
    priority: 3,
    accessToken: null,
    refreshToken: Redacted.make(`${longToken}2`),
    expiresAt: null,
    authRegion: "us-east-1",
    clientId: "client",
    clientSecret: marked("client-secret")
  },
  {
    kind: "anthropic",
    ...credentialBase("anthropic"),
    upstream: UpstreamId.make("anthropic"),
    priority: 4,
    scheme: "api_key",
    secret: Redacted.make(`sk-ant-${mark}`)
  }
]

const makeGateway = Effect.gen(function* () {
  const simulator = yield* makeSimulator()
  const file = yield* Effect.orDie(
    decodeConfig(
      {
        auth: { clientKeys: [clientKey], adminKey },
        upstreams: [
          {
            id: "kiro",
            kind: "kiro",
            endpoints: {
              api: simulator.url,
              socialRefresh: `${simulator.url}/refreshToken`,
              idcRefresh: `${simulator.url}/token`
            }
          },
          { id: "anthropic", kind: "anthropic", baseUrl: "http://127.0.0.1:9" }
        ],
        groups: [{ id: "eu", proxy: written }],
        retry: { maxAttempts: 2 },
        server: { port: 0, lameDuck: "0 seconds", drain: "1 seconds" }
      },
      "/nowhere"
    ).pipe(Effect.mapError(({ path, reason }) => new Error(`${path.join(".")}: ${reason}`)))
  )
  const stores = yield* Layer.build(storageIn(yield* tempFolder, { WEIR_MASTER_KEY: masterKey }))
  const store = Context.get(stores, CredentialStore)
  yield* Effect.forEach(credentials, (credential) => store.add({ credential, fingerprint: credential.id }))
  const upstreams = layerUpstreams(file.config).pipe(Layer.provide([Dispatch.layer, DocumentWorker.layer]))
  const services = yield* Layer.build(
    Layer.fresh(Gateway.layer({ file, ephemeral: [] })).pipe(
      Layer.provideMerge(layerServer(file.config.server)),
      Layer.provide([Layer.succeedContext(stores), upstreams])
    )
  )
  return HttpServer.formatAddress(Context.get(services, HttpServer.HttpServer).address)
}).pipe(Effect.orDie)

/** Bodies by the end of a path, a good one and bad ones that hold a secret where none belongs. */
const bodies: ReadonlyArray<readonly [RegExp, ReadonlyArray<unknown>]> = [
  [
    /\/credentials\/import$/,
    [[{ refreshToken: longToken, priority: "x" }, { refreshToken: `${longToken}3` }, { kiroApiKey: `ksk_${mark}3` }]]
  ],
  [
    /\/credentials$/,
    [
      { refreshToken: `${longToken}4`, proxyUrl: `http://${mark}:${mark}@127.0.0.1:9` },
      { refreshToken: mark },
      { kiroApiKey: `ksk_${mark} ${mark}` },
      { kind: "anthropic", apiKey: `sk-ant-${mark}9` },
      { refreshToken: longToken, tokenEndpoint: `https://${mark}@evil.test/`, clientId: "c" }
    ]
  ],
  [/\/disabled$/, [{ disabled: true }, { disabled: mark }]],
  [/\/priority$/, [{ priority: 9 }, { priority: mark }]],
  [/\/group$/, [{ group: null }, { group: [mark] }]],
  [
    /\/config\/groups$/,
    [
      { id: "us", proxy: written },
      { id: "us", proxy: { url: `http://u:${mark}@[bad` } }
    ]
  ],
  [/\/config\//, [{ mode: "balanced" }, { nonsense: mark }, { maxAttempts: mark }]],
  [/./, [{}]]
]

const calls = Object.values(AdminApi.groups).flatMap((group) =>
  Object.values(group.endpoints).flatMap((endpoint) => {
    const [method, path] = [String(endpoint.method), String(endpoint.path)]
    if (path.endsWith("/events")) return []
    const paths = path.includes("/credentials/:id")
      ? credentials.map(({ id }) => path.replace(":id", id))
      : [path.replace(":section", "pool").replace(":member", "mode").replace(":id", "us")]
    const sent =
      method === "GET" || method === "DELETE" ? [undefined] : (bodies.find(([at]) => at.test(path))?.[1] ?? [])
    return paths.flatMap((path) => sent.map((body) => ({ method, path, ...(body === undefined ? {} : { body }) })))
  })
)

const withoutBigInt = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value)

describe("a gateway full of secrets", () => {
  it.live(
    "lets none of them out",
    () => {
      const out: Array<string> = []
      const say = (text: string) => out.push(text)
      const logger = Logger.make((entry) => {
        say(Logger.formatJson.log(entry))
        say(Logger.formatLogFmt.log(entry))
      })
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      return Effect.gen(function* () {
        const url = yield* makeGateway
        const admin = { "x-api-key": adminKey }
        const events = yield* readEvents({ port: Number(new URL(url).port) }, "/api/admin/events", { headers: admin })
        const called = Effect.fnUntraced(function* (path: string, asking: Parameters<typeof ask>[2]) {
          const { headers, status, text } = yield* ask({ url }, path, asking)
          say(`${status} ${text} ${JSON.stringify([...headers])}`)
          return status
        })
        const client = { "x-api-key": clientKey }
        const served = yield* called("/v1/messages", { headers: client, body: saying("Hi") })
        const http = { status: 500, message: `"accessToken":"${mark}" Bearer ${mark}-and-more-of-it` }
        yield* called("/v1/messages", { headers: client, body: scripted([{ http }]) })
        yield* called("/v1/messages", { headers: client, body: scripted([{ fail: "rate_limit" }], { stream: true }) })
        yield* called("/v1/messages", { headers: client, body: `{"${mark}` })
        yield* called("/v1/messages", { headers: { "x-api-key": `${mark}-wrong` }, body: saying("Hi") })
        yield* called("/v1/models", { headers: { authorization: `Bearer ${mark}` } })
        yield* called("/v1/models", { headers: client })
        yield* called("/api/admin/audit", { headers: { "x-api-key": `${mark}-wrong` } })

        const statuses = new Map<number, number>()
        for (const { path, ...asking } of calls) {
          const status = yield* called(path, { ...asking, headers: admin })
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }
        for (const { path, ...asking } of calls.slice(0, 6)) yield* called(path, { ...asking, headers: client })
        for (const path of [
          "/metrics",
          "/api/admin/openapi.json",
          "/api/admin/audit?limit=1000",
          "/api/admin/requests"
        ]) {
          yield* called(path, { headers: admin })
        }
        yield* events.until(/event: settings/)
        say(events.text())
        for (const { attributes, events, name, status } of spans) {
          const failed = status._tag === "Ended" && Exit.isFailure(status.exit) ? Cause.pretty(status.exit.cause) : ""
          say(`${name} ${JSON.stringify([...attributes])} ${JSON.stringify(events, withoutBigInt)} ${failed}`)
        }

        assert.strictEqual(served, 200)
        assert.isAbove(statuses.get(200) ?? 0, 30)
        assert.isAbove(statuses.get(400) ?? 0, 10)
        assert.isUndefined(statuses.get(500))
        assert.isAbove(spans.length, 10)
        assert.isTrue(out.some((text) => text.includes("switched off") || text.includes("rests until")))
        assert.isTrue(out.some((text) => text.includes("event: credential")))
        const found = out.filter((text) => text.includes(mark))
        assert.deepStrictEqual(found, [])
      }).pipe(
        Effect.scoped,
        Effect.provideService(Tracer.Tracer, tracer),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provide(Logger.layer([logger]))
      )
    },
    60_000
  )
})
