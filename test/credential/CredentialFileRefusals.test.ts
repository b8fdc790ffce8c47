import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { inspect } from "node:util"
import { parseCredentialFile, type Row } from "../../src/credential/CredentialFile.ts"
import { entryOptions, kiroUpstream } from "../support/Credentials.ts"

const options = entryOptions([kiroUpstream("kiro", { region: "us-east-1", allowedTokenHosts: ["idp.example.com"] })])
const token = (name: string) => `${name}:`.padEnd(120, "r")
const read = (input: unknown) => parseCredentialFile(input, options)
const problem = (entry: unknown): string => {
  const [row] = read([entry])
  return row?.kind === "invalid" ? row.message : `taken: ${JSON.stringify(row)}`
}
const social = (more: object) => problem({ refreshToken: token("a"), ...more })

describe("an entry is refused", () => {
  it("whose region is none, also the one in an ARN", () => {
    for (const region of [
      "us-east-1.evil.example/",
      "evil",
      "us-east-1\n",
      "US-EAST-1",
      "us-east-10",
      "a".repeat(99)
    ]) {
      if (region.trim() === "us-east-1") continue
      for (const name of ["region", "authRegion", "apiRegion"]) {
        assert.strictEqual(social({ [name]: region }), `${name} must be a region such as "us-east-1"`)
      }
    }
    const arns = ["arn:aws:codewhisperer:evil.example:1:profile/X", "profile/X", "arn:aws:codewhisperer:us-east-1"]
    for (const profileArn of arns) {
      assert.strictEqual(
        social({ profileArn }),
        `profileArn must be an ARN whose fourth part is a region such as "us-east-1"`
      )
    }
    assert.strictEqual(
      social({ kiroApiKey: "ksk_1", apiRegion: "evil" }),
      `apiRegion must be a region such as "us-east-1"`
    )
  })

  it("whose tokens would go to an address that nobody allowed, naming the host", () => {
    const external = (more: object) => social({ authMethod: "external_idp", clientId: "c", ...more })
    assert.strictEqual(
      external({ tokenEndpoint: "https://evil.example/steal?x=1" }),
      "tokenEndpoint: the host evil.example is not in allowedTokenHosts"
    )
    assert.strictEqual(
      external({ tokenEndpoint: "https://idp.example.com/t", issuerUrl: "https://evil.example" }),
      "issuerUrl: the host evil.example is not in allowedTokenHosts"
    )
    assert.strictEqual(external({ issuerUrl: "http://idp.example.com" }), "issuerUrl: must be https")
    assert.strictEqual(
      external({ issuerUrl: "https://u:p@idp.example.com" }),
      "issuerUrl: must not hold a user name or password"
    )
    assert.strictEqual(external({ issuerUrl: "not an address" }), "issuerUrl: is not an address")
    assert.strictEqual(external({}), "tokenEndpoint or issuerUrl is missing")
  })

  it("whose secrets are missing, cut short or not fit to be sent", () => {
    const incomplete = "refreshToken looks incomplete; sign in again and import it anew"
    assert.strictEqual(problem({ refreshToken: "r".repeat(99) }), incomplete)
    assert.strictEqual(problem({ refreshToken: `${token("a")}...` }), incomplete)
    assert.strictEqual(
      problem({ refreshToken: `${token("a")} b` }),
      "refreshToken must be printable ASCII without spaces"
    )
    assert.strictEqual(problem({ refreshToken: 5 }), "refreshToken must be a string")
    assert.strictEqual(problem({ refreshToken: "r".repeat(20_000) }), "refreshToken is longer than 16384 characters")
    assert.strictEqual(social({ accessToken: "a\r\nx-evil: 1" }), "accessToken must be printable ASCII without spaces")
    assert.strictEqual(problem({ authMethod: "social" }), "refreshToken is missing")
    assert.strictEqual(problem({ authMethod: "api_key" }), "kiroApiKey is missing")
    assert.strictEqual(problem({ kiroApiKey: "ksk_ü" }), "kiroApiKey must be printable ASCII without spaces")
    assert.strictEqual(social({ authMethod: "idc", clientId: "c" }), "clientSecret is missing")
    assert.strictEqual(social({ authMethod: "external_idp" }), "clientId is missing")
    assert.strictEqual(problem({ accessToken: "at" }), "holds neither refreshToken nor kiroApiKey")
  })

  it("that has a member of another type than it must have", () => {
    assert.strictEqual(social({ priority: 1.5 }), "priority must be a whole number from -1000000 to 1000000")
    assert.strictEqual(social({ priority: "1" }), "priority must be a whole number from -1000000 to 1000000")
    assert.strictEqual(social({ disabled: "yes" }), "disabled must be true or false")
    assert.strictEqual(social({ region: ["us-east-1"] }), "region must be a string")
    for (const entry of [null, 1, "text", true, []]) assert.strictEqual(problem(entry), "must be an object")
  })

  it("as a duplicate where an earlier one has the same secret", () => {
    const rows = read([
      { refreshToken: token("a") },
      { kiroApiKey: token("a") },
      { refreshToken: "short" },
      { refresh_token: ` ${token("a")} `, email: "other@example.com" },
      { kiroApiKey: token("a") }
    ])
    assert.deepStrictEqual(
      rows.map((row) => (row.kind === "duplicate" ? [row.row, row.of, row.message] : row.kind)),
      ["credential", "credential", "invalid", [4, 1, "is the same as row 1"], [5, 2, "is the same as row 2"]]
    )
  })

  it("without harm to those around it", () => {
    const kinds = read([1, { refreshToken: token("a") }, {}, { refreshToken: token("b") }]).map((row) => row.kind)
    assert.deepStrictEqual(kinds, ["invalid", "credential", "invalid", "credential"])
  })

  it("where its members come from its prototype", () => {
    assert.strictEqual(
      problem(JSON.parse(`{"__proto__":{"refreshToken":"${token("a")}"}}`)),
      "holds neither refreshToken nor kiroApiKey"
    )
    assert.strictEqual(problem({ constructor: 1, toString: 2 }), "holds neither refreshToken nor kiroApiKey")
  })
})

describe("a file is refused as a whole", () => {
  const whole = (message: string): ReadonlyArray<Row> => [{ row: 0, kind: "invalid", message }]

  it("that is not JSON or holds no object", () => {
    for (const text of ["{", "refreshToken=abc", "[1,]", "[".repeat(1_000_000)]) {
      assert.deepStrictEqual(read(text), whole("the file is not valid JSON"))
    }
    for (const text of ["1", "null", '"text"', "true"]) {
      assert.deepStrictEqual(read(text), whole("the file must hold an object or a list"))
    }
  })

  it("that is larger than its bounds", () => {
    assert.deepStrictEqual(read(" ".repeat(16 * 1024 * 1024 + 1)), whole("the file is longer than 16777216 characters"))
    assert.deepStrictEqual(read(`[${"0,".repeat(100_000)}0]`), whole("the file has more than 100000 entries"))
    assert.lengthOf(read(`[${"0,".repeat(99_999)}0]`), 100_000)
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}0${"}".repeat(levels)}`
    assert.deepStrictEqual(read(`[${deep(16)}]`), whole("the file has objects and lists that stand more than 16 deep"))
    assert.deepStrictEqual(
      read("[".repeat(100_000) + "]".repeat(100_000)),
      whole("the file has objects and lists that stand more than 16 deep")
    )
    assert.deepStrictEqual(
      read(`[${deep(15)}]`).map((row) => row.row),
      [1]
    )
  })
})

const mark = "TOPSECRET"
const secret = Schema.Union([
  Schema.String,
  Schema.Literals(["", "\n", "...", "é", "\u0000", " ", "r".repeat(120), "r".repeat(20_000)])
])
const names = Schema.Literals(
  (
    "accessToken refreshToken kiroApiKey clientSecret proxyUrl proxyPassword apiKey adminApiKey authMethod " +
    "access_token refresh_token kiro_api_key client_secret proxy_url region apiRegion profileArn priority " +
    "disabled expiresAt endpoint scopes"
  ).split(" ")
)
const around = Schema.Literals(
  " credentials kiro_auth_token_raw clientRegistration kiroProfileRaw accounts data credentialGroups".split(" ")
)
const shape = Schema.Literals(["text", "list", "object", "number"])
const Part = Schema.Struct({ name: names, tail: secret, around, shape })

const entryOf = (parts: ReadonlyArray<typeof Part.Type>): Record<string, unknown> => {
  const entry: Record<string, unknown> = { clientId: "client" }
  for (const { around, name, shape, tail } of parts) {
    const text = mark + tail
    const value = { text, list: [text], object: { [text]: text }, number: 4 }[shape]
    entry[around === "" ? name : around] = around === "" ? value : { [name]: value }
  }
  return entry
}

describe("no row tells a secret", () => {
  const silent = (rows: ReadonlyArray<Row>) => {
    assert.notInclude(JSON.stringify(rows), mark)
    assert.notInclude(inspect(rows, { depth: null }), mark)
  }

  it.prop("wherever it stands in the file", [Schema.Array(Schema.Array(Part))], ([entries]) => {
    const made = entries.map(entryOf)
    silent(read(made))
    for (const entry of made) silent(read(entry))
    silent(read({ accounts: made }))
  })

  it.prop("where the text is cut off", [Schema.Array(Part), Schema.Int], ([parts, at]) => {
    const text = JSON.stringify([entryOf(parts)])
    silent(read(text.slice(0, Math.abs(at) % text.length)))
  })

  it("where it is taken", () => {
    const refreshToken = `${mark}${token("a")}`
    const rows = read([
      { refreshToken, accessToken: mark, proxyUrl: `http://u:${mark}@proxy.example`, disabled: true },
      { refreshToken },
      { refreshToken: `${refreshToken}2`, clientId: "c", clientSecret: mark },
      { kiroApiKey: mark }
    ])
    assert.deepStrictEqual(
      rows.map((row) => row.kind),
      ["credential", "duplicate", "credential", "credential"]
    )
    silent(rows)
  })
})
