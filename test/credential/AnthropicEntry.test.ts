import { assert, describe, it } from "@effect/vitest"
import { DateTime, Redacted, Result, Schema } from "effect"
import { inspect } from "node:util"
import { type EntryEnvironment, variablesOf } from "../../src/credential/AnthropicEntry.ts"
import { entriesIn, parseCredentialFile, type Row } from "../../src/credential/CredentialFile.ts"
import { GroupId } from "../../src/message/Ids.ts"
import { sha256Hex } from "../../src/message/Sha256.ts"
import { anthropicUpstream, entryOptions, kiroUpstream } from "../support/Credentials.ts"

const upstreams = [kiroUpstream("kiro"), anthropicUpstream("anthropic"), anthropicUpstream("second")]
const read = (input: unknown, environment: EntryEnvironment = null): ReadonlyArray<Row> =>
  parseCredentialFile(input, { ...entryOptions(upstreams), environment })

/** What came of one entry: kind, upstream, scheme and secret, or the problem. */
const taken = (entry: unknown, environment: EntryEnvironment = null): string => {
  const [row] = read([entry], environment)
  if (row?.kind !== "credential") return row?.message ?? "nothing"
  const { draft } = row
  return draft.kind === "anthropic"
    ? `${draft.upstream} ${draft.scheme} ${Redacted.value(draft.secret)}`
    : `${draft.kind} of ${draft.upstream}`
}

const key = "sk-ant-api03-0123456789"
const both = "must have exactly one of apiKey and authToken"

describe("an Anthropic key in a credential file", () => {
  it("is an apiKey or an authToken, in either spelling", () => {
    assert.strictEqual(taken({ kind: "anthropic", apiKey: key }), `anthropic api_key ${key}`)
    assert.strictEqual(taken({ kind: "anthropic", api_key: key }), `anthropic api_key ${key}`)
    assert.strictEqual(taken({ kind: "Anthropic", authToken: "t" }), "anthropic bearer t")
    assert.strictEqual(taken({ kind: "anthropic", auth_token: "t" }), "anthropic bearer t")
  })

  it("is known by its beginning where nothing is said of its kind", () => {
    assert.strictEqual(taken({ apiKey: key, label: "Mine" }), `anthropic api_key ${key}`)
    assert.strictEqual(taken({ apiKey: key, refreshToken: "r".repeat(120) }), "social of kiro")
    assert.strictEqual(taken({ apiKey: key, kiroApiKey: "ksk_1" }), "api_key of kiro")
    const mute = 'must say "kind": "anthropic" to be used by its apiKey or authToken'
    assert.strictEqual(taken({ apiKey: "sk-other" }), mute)
    assert.strictEqual(taken({ apiKey: "env:KEY" }, new Map([["KEY", key]])), mute)
    assert.strictEqual(taken({ authToken: "t" }), mute)
    assert.strictEqual(taken({ kind: "openai", apiKey: key }), mute)
  })

  it("may be a file of its own, which is not taken for a configuration of kiro.rs", () => {
    for (const file of [{ apiKey: key }, { kind: "anthropic", apiKey: "k", region: "us-east-1" }]) {
      assert.deepStrictEqual(
        read(JSON.stringify(file)).map(({ kind }) => kind),
        ["credential"]
      )
    }
    assert.match(JSON.stringify(read({ host: "127.0.0.1", apiKey: key })), /host of kiro\.rs's configuration/)
  })

  it("brings the usual members and none of Kiro's", () => {
    const [row] = read([
      {
        kind: "anthropic",
        authToken: "t",
        label: "Team",
        email: "a@example.com",
        priority: 3,
        group: "eu",
        disabled: true,
        upstream: "second",
        apiRegion: "nonsense",
        profileArn: "nonsense",
        subscriptionTitle: "KIRO PRO+"
      }
    ])
    if (row?.kind !== "credential" || row.draft.kind !== "anthropic") return assert.fail(JSON.stringify(row))
    const { secret: _, ...draft } = row.draft
    assert.deepStrictEqual(draft, {
      kind: "anthropic",
      upstream: upstreams[2]?.id ?? assert.fail(),
      scheme: "bearer",
      label: "Team",
      email: "a@example.com",
      priority: 3,
      group: GroupId.make("eu"),
      apiRegion: null,
      profileArn: null,
      proxy: null,
      subscription: null
    })
    assert.isTrue(row.disabled)
  })

  it("is recognised again by its secret alone", () => {
    const rows = read([
      { kind: "anthropic", apiKey: key },
      { apiKey: key, label: "again" },
      { kind: "anthropic", authToken: "t" },
      { kiroApiKey: key }
    ])
    assert.deepStrictEqual(
      rows.map((row) => (row.kind === "credential" ? row.fingerprint : row.kind)),
      [sha256Hex(`anthropic:${key}`), "duplicate", sha256Hex("anthropic:t"), sha256Hex(`api_key:${key}`)]
    )
  })

  it("is refused without one secret, naming both members", () => {
    for (const entry of [{}, { apiKey: "", authToken: null }, { apiKey: key, authToken: "t" }, { apiKey: "\n\t " }]) {
      assert.strictEqual(taken({ kind: "anthropic", ...entry }), both)
    }
    assert.strictEqual(taken({ apiKey: key, authToken: "t" }), both)
  })

  it("is refused where it could not stand in a header as it is", () => {
    const unfit = "apiKey must be printable ASCII without spaces"
    for (const apiKey of ["sk ant", `${key}\n`, ` ${key}`, "a\r\nx-evil: 1", "a\u0000", "é", "\u007f"]) {
      assert.strictEqual(taken({ kind: "anthropic", apiKey }), unfit, JSON.stringify(apiKey))
    }
    assert.strictEqual(taken({ kind: "anthropic", authToken: 5 }), "authToken must be a string")
    assert.strictEqual(
      taken({ kind: "anthropic", apiKey: "k".repeat(16_385) }),
      "apiKey is longer than 16384 characters"
    )
  })

  it("is refused for an upstream that is not there", () => {
    assert.match(taken({ kind: "anthropic", apiKey: key, upstream: "third" }), /^upstream: .*third/)
    assert.match(taken({ kind: "anthropic", apiKey: key, upstream: "kiro" }), /^upstream: kiro is of kind kiro/)
    const [row] = parseCredentialFile([{ apiKey: key }], entryOptions([kiroUpstream("kiro")]))
    assert.include(JSON.stringify(row), "there is no upstream of kind anthropic in the configuration")
  })

  it("leaves a client registration to the account that it belongs to", () => {
    const registration = { clientId: "c", clientSecret: "s" }
    assert.deepStrictEqual(
      read([{ kind: "anthropic", apiKey: key }, registration]).map((row) => (row.kind === "invalid" ? row.row : 0)),
      [0, 2]
    )
  })
})

describe("an Anthropic key in the environment", () => {
  const environment = new Map([
    ["KEY", key],
    ["BROKEN", `SECRET ${key}`]
  ])
  const entry = (apiKey: string) => taken({ kind: "anthropic", apiKey }, environment)

  it("is what the variable holds", () => {
    assert.strictEqual(entry("env:KEY"), `anthropic api_key ${key}`)
    assert.strictEqual(taken({ kind: "anthropic", auth_token: "env:KEY" }, environment), `anthropic bearer ${key}`)
  })

  it("is refused naming variable and member, never what it holds", () => {
    assert.strictEqual(entry("env:NONE"), "apiKey: the environment variable NONE is not set, or is empty")
    assert.strictEqual(entry("env:no name"), 'apiKey: "env:" must be followed by the name of an environment variable')
    assert.strictEqual(
      entry("env:BROKEN"),
      "apiKey: the environment variable BROKEN must be printable ASCII without spaces"
    )
  })

  it("is not read for entries that come from elsewhere", () => {
    const refused =
      "authToken: the environment is read for files on the gateway's own machine only; write the secret itself"
    assert.strictEqual(taken({ kind: "anthropic", authToken: "env:KEY" }), refused)
    assert.strictEqual(taken({ kind: "anthropic", authToken: "env:" }), refused)
  })

  it("is asked for by name, once, and by no other member or kind", () => {
    const entries = entriesIn([
      { kind: "anthropic", apiKey: "env:A", label: "env:LABEL", email: "env:EMAIL" },
      { kind: "anthropic", auth_token: "env:B" },
      { kind: "anthropic", apiKey: "env:A" },
      { kind: "anthropic", apiKey: "env:not a name" },
      { apiKey: "env:UNSAID" },
      { kiroApiKey: "env:KIRO" },
      null
    ])
    assert.deepStrictEqual(Result.map(entries, variablesOf), Result.succeed(["A", "B"]))
  })
})

const mark = "TOPSECRET"
const Member = Schema.Literals(["apiKey", "api_key", "authToken", "auth_token"])
const Text = Schema.Union([
  Schema.String,
  Schema.Literals(["", "\n", " ", "é", "\u0000", "r".repeat(20_000)]),
  Schema.Literals(["number", "list", "object"])
])
const Part = Schema.Struct({ member: Member, text: Text, from: Schema.Literals(["file", "environment", "before"]) })
const Kind = Schema.Literals(["anthropic", "none", "social"])

describe("no row tells an Anthropic secret", () => {
  it.prop("whatever is wrong with it", [Schema.Array(Part), Kind, Schema.Boolean], ([parts, kind, own]) => {
    const environment = new Map(parts.map(({ text }, index) => [`V${index}`, mark + text]))
    const entry = Object.fromEntries(
      parts.map(({ from, member, text }, index) => {
        const secret = { file: `${mark}${text}`, before: `sk-ant-${mark}${text}`, environment: `env:V${index}` }[from]
        return [member, text === "list" ? [secret] : text === "object" ? { secret } : secret]
      })
    )
    const rows = [entry, { ...entry, ...(kind === "none" ? {} : { kind }) }].flatMap((made) => [
      ...read(made, own ? environment : null),
      ...read([made, made], own ? environment : null)
    ])
    assert.isAbove(rows.length, 0)
    assert.notInclude(JSON.stringify(rows), mark)
    assert.notInclude(inspect(rows, { depth: null }), mark)
  })

  it("and the time of its expiry is nobody's", () => {
    const [row] = read([{ kind: "anthropic", apiKey: key, expiresAt: "2030-01-01T00:00:00Z" }])
    assert.strictEqual(row?.kind, "credential")
    assert.isFalse(row?.kind === "credential" && Object.values(row.draft).some(DateTime.isDateTime))
  })
})
