import { assert, describe, it } from "@effect/vitest"
import { DateTime, Redacted } from "effect"
import type { CredentialDraft } from "../../src/credential/CredentialEntry.ts"
import { type CredentialRow, parseCredentialFile, type Row } from "../../src/credential/CredentialFile.ts"
import { GroupId } from "../../src/message/Ids.ts"
import { credentialBase, entryOptions, kiroUpstream } from "../support/Credentials.ts"

const options = entryOptions([kiroUpstream("kiro", { region: "eu-central-1", allowedTokenHosts: ["idp.example.com"] })])

const token = (name: string) => `${name}:`.padEnd(120, "r")
const read = (input: unknown) => parseCredentialFile(input, options)
const readText = (value: unknown) => read(JSON.stringify(value))

const credentialIn = (row: Row | undefined): CredentialRow => {
  if (row?.kind !== "credential") assert.fail(`expected a credential: ${JSON.stringify(row)}`)
  return row
}
const only = (rows: ReadonlyArray<Row>): CredentialDraft => {
  assert.lengthOf(rows, 1)
  return credentialIn(rows[0]).draft
}
/** The draft with its secrets in clear. */
const shown = (draft: CredentialDraft): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(draft).map(([name, value]) => [
      name,
      Redacted.isRedacted(value)
        ? `secret ${Redacted.value(value)}`
        : DateTime.isDateTime(value)
          ? DateTime.formatIso(value)
          : value
    ])
  )
const problem = (entry: unknown): string => {
  const [row] = readText([entry])
  return row?.kind === "invalid" ? row.message : `taken: ${JSON.stringify(row)}`
}
const problems = (rows: ReadonlyArray<Row>) =>
  rows.flatMap((row) => (row.kind === "invalid" ? [`${row.row}: ${row.message}`] : []))

const { id: _, ...common } = credentialBase("none")

describe("a credential file of kiro.rs", () => {
  it("holds one social account as an object", () => {
    const draft = only(
      readText({ refreshToken: token("a"), expiresAt: "2026-12-31T02:32:45.144Z", authMethod: "social" })
    )
    assert.deepStrictEqual(shown(draft), {
      kind: "social",
      ...common,
      accessToken: null,
      refreshToken: `secret ${token("a")}`,
      expiresAt: "2026-12-31T02:32:45.144Z",
      authRegion: "eu-central-1"
    })
  })

  it("holds accounts of every kind as a list, in order", () => {
    const rows = readText([
      {
        id: 7,
        accessToken: "at",
        refreshToken: token("a"),
        authMethod: "idc",
        clientId: "c",
        clientSecret: "s",
        region: "us-east-2",
        apiRegion: "us-east-1",
        priority: 3,
        email: "a@example.com",
        subscriptionTitle: "KIRO PRO+",
        group: "eu",
        machineId: "0".repeat(64),
        endpoint: "ide"
      },
      { kiroApiKey: "ksk_xxx", authMethod: "api_key" },
      {
        refreshToken: token("b"),
        authMethod: "external_idp",
        clientId: "c",
        tokenEndpoint: "https://idp.example.com/oauth/token",
        issuerUrl: "https://idp.example.com",
        scopes: "openid offline_access",
        provider: "Enterprise",
        profileArn: "arn:aws:codewhisperer:us-east-1:1:profile/X"
      }
    ])
    assert.deepStrictEqual(
      rows.map((row) => row.row),
      [1, 2, 3]
    )
    assert.deepStrictEqual(
      rows.map((row) => shown(credentialIn(row).draft)),
      [
        {
          kind: "idc",
          ...common,
          priority: 3,
          email: "a@example.com",
          group: GroupId.make("eu"),
          apiRegion: "us-east-1",
          subscription: "KIRO PRO+",
          accessToken: "secret at",
          refreshToken: `secret ${token("a")}`,
          expiresAt: null,
          authRegion: "us-east-2",
          clientId: "c",
          clientSecret: "secret s"
        },
        { kind: "api_key", ...common, apiKey: "secret ksk_xxx" },
        {
          kind: "external_idp",
          ...common,
          label: "Enterprise",
          profileArn: "arn:aws:codewhisperer:us-east-1:1:profile/X",
          accessToken: null,
          refreshToken: `secret ${token("b")}`,
          expiresAt: null,
          clientId: "c",
          tokenEndpoint: "https://idp.example.com/oauth/token",
          issuerUrl: "https://idp.example.com",
          scopes: "openid offline_access",
          audience: null
        }
      ]
    )
    assert.deepStrictEqual(
      rows.map((row) => credentialIn(row).note),
      [null, null, null]
    )
  })

  it("may be blank or an empty list", () => {
    for (const text of ["", " \n", "\uFEFF", "[]"]) assert.deepStrictEqual(read(text), [])
  })

  it("names the way of signing in with any letter case and by its other names", () => {
    const kinds = ["SOCIAL", "IdC", "builder-id", "BuilderId", "IAM", "external_idp", "ExternalIdp"].map(
      (authMethod) => {
        const entry = { refreshToken: token("a"), authMethod, clientId: "c", clientSecret: "s" }
        return only(readText({ ...entry, issuerUrl: "https://idp.example.com" })).kind
      }
    )
    assert.deepStrictEqual(kinds, ["social", "idc", "idc", "idc", "idc", "external_idp", "external_idp"])
    assert.strictEqual(only(readText({ kiroApiKey: "ksk_1", authMethod: "ApiKey" })).kind, "api_key")
    assert.strictEqual(
      problem({ refreshToken: token("a"), authMethod: "magic" }),
      "authMethod must be social, idc, external_idp or api_key"
    )
  })

  it("is read by what it holds where it does not name the way of signing in", () => {
    const refreshToken = token("a")
    assert.strictEqual(only(readText({ refreshToken })).kind, "social")
    assert.strictEqual(only(readText({ refreshToken, clientId: "c", clientSecret: "s" })).kind, "idc")
    assert.strictEqual(
      only(readText({ refreshToken, clientId: "c", issuerUrl: "https://idp.example.com" })).kind,
      "external_idp"
    )
    assert.strictEqual(only(readText({ refreshToken, kiroApiKey: "ksk_1" })).kind, "api_key")
  })

  it("keeps the region of sign-in and the region of calls apart", () => {
    const regions = (entry: object) => {
      const draft = only(readText({ refreshToken: token("a"), ...entry }))
      return [draft.kind === "social" ? draft.authRegion : null, draft.apiRegion]
    }
    assert.deepStrictEqual(regions({}), ["eu-central-1", null])
    assert.deepStrictEqual(regions({ region: "us-west-2" }), ["us-west-2", null])
    assert.deepStrictEqual(regions({ region: "us-west-2", authRegion: "us-east-1" }), ["us-east-1", null])
    assert.deepStrictEqual(regions({ apiRegion: "us-east-1" }), ["eu-central-1", "us-east-1"])
  })

  it("tells the time of expiry in any of the usual ways, and else is refreshed before use", () => {
    const expiry = (expiresAt: unknown) => {
      const draft = only(readText({ refreshToken: token("a"), expiresAt }))
      return draft.kind === "social" && draft.expiresAt !== null ? DateTime.formatIso(draft.expiresAt) : null
    }
    const same = ["2026-12-31T02:32:45Z", "2026-12-31T03:32:45.000+01:00", 1798684365, 1798684365000, "1798684365"]
    for (const value of same) assert.strictEqual(expiry(value), "2026-12-31T02:32:45.000Z", String(value))
    const none = [null, "", "soon", "2026-13-40T00:00:00Z", "2026-12", 0, -5, 1e300, true, {}, []]
    for (const value of none) assert.isNull(expiry(value), String(value))
  })

  it("says which entries are disabled, and takes them", () => {
    const row = credentialIn(readText([{ refreshToken: token("a"), disabled: true }])[0])
    assert.isTrue(row.disabled)
    assert.strictEqual(row.note, "it is disabled in the file")
    assert.isFalse(credentialIn(readText([{ refreshToken: token("a"), disabled: false }])[0]).disabled)
  })

  it("takes an entry's own proxy where it may have one, and refuses the entry where that is none", () => {
    const read = (proxyUrl: string, more: object = {}) =>
      parseCredentialFile([{ refreshToken: token("a"), proxyUrl, ...more }], { ...options, allowProxy: true })
    const account = { proxyUsername: "u", proxyPassword: "p" }
    for (const rows of [read("http://u:p@127.0.0.1:1"), read("http://127.0.0.1:1", account)]) {
      const { proxy } = credentialIn(rows[0]).draft
      assert.strictEqual(proxy?.kind, "proxy")
      if (proxy?.kind !== "proxy") return
      assert.deepStrictEqual([proxy.url, proxy.username], ["http://127.0.0.1:1", "u"])
      assert.strictEqual(proxy.password === null ? "" : Redacted.value(proxy.password), "p")
    }
    assert.deepStrictEqual(credentialIn(read("direct")[0]).draft.proxy, { kind: "direct" })
    assert.match(problems(read("ftp://u:secret@127.0.0.1:1")).join(), /^1: proxyUrl must be/)
    assert.notInclude(problems(read("ftp://u:secret@127.0.0.1:1")).join(), "secret")
  })

  it("says what of an entry it does not take over", () => {
    const note = (entry: object, allowProxy = false) =>
      credentialIn(parseCredentialFile([{ refreshToken: token("a"), ...entry }], { ...options, allowProxy })[0]).note
    assert.match(note({ proxyUrl: "socks5://u:p@127.0.0.1:1" }) ?? "", /^proxyUrl was not taken over: .*not allowed/)
    assert.match(note({ proxyUrl: "DIRECT" }) ?? "", /^proxyUrl was not taken over/)
    assert.match(note({ group: "über" }) ?? "", /^group was not taken over/)
    assert.match(note({ endpoint: "cli" }) ?? "", /^endpoint was not taken over/)
  })

  it("is told apart from kiro.rs's configuration, whose settings are named one by one", () => {
    const config = {
      host: "127.0.0.1",
      apiKey: "client",
      region: "us-east-1",
      loadBalancingMode: "balanced",
      credentialGroups: [{ id: "eu", proxyUrl: "http://u:p@127.0.0.1:1" }],
      proxyUrl: "http://127.0.0.1:7890",
      adminApiKey: null,
      somethingNew: 1
    }
    assert.deepStrictEqual(problems(readText(config)), [
      "1: host of kiro.rs's configuration is not taken over: set server.host",
      "2: apiKey of kiro.rs's configuration is not taken over: set auth.clientKeys, or make a key with weir keys create",
      "3: region of kiro.rs's configuration is not taken over: set upstreams[].region",
      "4: loadBalancingMode of kiro.rs's configuration is not taken over: set pool.mode",
      "5: credentialGroups of kiro.rs's configuration is not taken over: set groups, each with its proxy",
      "6: proxyUrl of kiro.rs's configuration is not taken over: set proxy.url",
      "7: 1 unknown members of the configuration are not taken over"
    ])
  })
})

describe("a credential file of another program", () => {
  it("may keep its list under any of the usual names", () => {
    for (const name of ["accounts", "credentials", "data", "items", "list", "users", "records"]) {
      const rows = readText({ version: "1", [name]: [{ refreshToken: token("a") }, { refreshToken: token("b") }] })
      assert.lengthOf(rows.map(credentialIn), 2, name)
    }
    assert.lengthOf(readText({ ok: true, data: { accounts: [{ refreshToken: token("a") }] } }).map(credentialIn), 1)
  })

  it("may write its members in snake_case", () => {
    const draft = only(
      readText({
        access_token: "at",
        refresh_token: token("a"),
        expires_at: 1798684365,
        auth_method: "idc",
        client_id: "c",
        client_secret: "s",
        api_region: "us-east-1",
        profile_arn: "arn:aws:codewhisperer:us-east-1:1:profile/X"
      })
    )
    assert.strictEqual(draft.kind, "idc")
    assert.strictEqual(draft.apiRegion, "us-east-1")
    assert.strictEqual(draft.profileArn, "arn:aws:codewhisperer:us-east-1:1:profile/X")
    assert.strictEqual(only(readText({ kiro_api_key: "ksk_1" })).kind, "api_key")
  })

  it("may nest the account's tokens", () => {
    const nested = only(
      readText({
        accounts: [
          {
            email: "a@example.com",
            nickname: "Mine",
            idp: "BuilderId",
            credentials: {
              refreshToken: token("a"),
              clientId: "c",
              clientSecret: "s",
              region: "us-east-1",
              authMethod: "IdC",
              expiresAt: 1798684365000
            }
          }
        ]
      })
    )
    assert.strictEqual(nested.kind, "idc")
    assert.strictEqual(nested.label, "Mine")
    assert.strictEqual(nested.email, "a@example.com")
    const raw = only(
      readText({
        refresh_token: null,
        kiro_auth_token_raw: { refreshToken: token("b"), authMethod: "Social", region: "us-east-1" },
        kiro_profile_raw: { arn: "arn:aws:codewhisperer:us-east-1:1:profile/Y", email: "b@example.com" }
      })
    )
    assert.strictEqual(raw.kind, "social")
    assert.strictEqual(raw.profileArn, "arn:aws:codewhisperer:us-east-1:1:profile/Y")
    assert.strictEqual(raw.email, "b@example.com")
  })

  it("takes nothing but id and secret from a nested client registration", () => {
    const draft = only(
      readText({
        refreshToken: token("a"),
        clientRegistration: { clientId: "c", clientSecret: "s", expiresAt: "2030-01-01T00:00:00Z" }
      })
    )
    assert.strictEqual(draft.kind, "idc")
    assert.isNull(draft.kind === "idc" ? draft.expiresAt : "no expiry")
  })
})

describe("the files that Kiro's own sign-in leaves", () => {
  const arn = "arn:aws:codewhisperer:us-east-1:1:profile/X"
  const tokens = (name: string, more: object = {}) => ({
    accessToken: "at",
    refreshToken: token(name),
    expiresAt: "2026-12-31T02:32:45.144Z",
    ...more
  })

  it("are one social account", () => {
    const draft = only(readText(tokens("a", { profileArn: arn, authMethod: "social", provider: "Google" })))
    assert.deepStrictEqual([draft.kind, draft.label, draft.profileArn], ["social", "Google", arn])
  })

  it("are joined by the registration's hash", () => {
    const account = (hash: string) => tokens(hash, { clientIdHash: hash, authMethod: "IdC", region: "us-east-1" })
    const rows = readText([
      account("h1"),
      { clientId: "c2", clientSecret: "s2", clientIdHash: "h2", expiresAt: "2030-01-01T00:00:00Z" },
      account("h2"),
      { clientId: "c1", clientSecret: "s1", clientIdHash: "h1" },
      account("h3")
    ])
    assert.deepStrictEqual(
      rows.map((row) =>
        row.kind === "credential" && row.draft.kind === "idc" ? [row.row, row.draft.clientId] : [row.row, row.kind]
      ),
      [
        [1, "c1"],
        [3, "c2"],
        [5, "invalid"]
      ]
    )
    assert.deepStrictEqual(problems(rows), ["5: clientId is missing"])
  })

  it("are joined where there is one registration", () => {
    const registration = { clientId: "c", clientSecret: "s" }
    const joined = only(readText([tokens("a", { clientIdHash: "h", authMethod: "IdC" }), registration]))
    assert.strictEqual(joined.kind === "idc" ? joined.clientId : "", "c")
    assert.strictEqual(only(readText([registration, { refreshToken: token("a") }])).kind, "idc")
  })

  it("are not joined where nothing says that they belong together", () => {
    const registration = { clientId: "c", clientSecret: "s" }
    const lone = "is a client registration that no credential here belongs to"
    assert.deepStrictEqual(problems(readText(registration)), [`1: ${lone}`])
    assert.deepStrictEqual(problems(readText([tokens("a", { authMethod: "social" }), registration])), [`2: ${lone}`])
    const other = { clientId: "c2", clientSecret: "s2" }
    assert.deepStrictEqual(problems(readText([tokens("a", { authMethod: "idc" }), registration, other])), [
      "1: clientId is missing",
      `2: ${lone}`,
      `3: ${lone}`
    ])
  })
})
