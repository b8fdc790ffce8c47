/**
 * ProxySetting: through which proxy calls go out, or that they go out directly.
 */
import { Effect, Redacted, Schema, SchemaIssue, SchemaTransformation } from "effect"
import { direct, type Egress } from "../message/Egress.ts"
import { Secret } from "./Secret.ts"

/** How calls go out, as it is written. */
export type ProxySetting = Egress

const Route = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("direct") }),
  Schema.Struct({
    kind: Schema.Literal("proxy"),
    url: Schema.String,
    username: Schema.NullOr(Schema.String),
    password: Schema.NullOr(Schema.Redacted(Schema.String))
  })
])

const Written = Schema.Struct({
  url: Schema.String.annotate({
    description: 'http://, https:// or socks5:// with host and port, or "direct" for no proxy.'
  }),
  username: Schema.optionalKey(Schema.String.annotate({ description: "User name at the proxy." })),
  password: Schema.optionalKey(
    Secret.pipe(
      Schema.annotateEncoded({ description: "Password at the proxy; better env:NAME than the password itself." })
    )
  )
})

const expected = `"direct", or an address such as "http://127.0.0.1:7890" (http, https or socks5)`

/**
 * Decodes `{ "url", "username"?, "password"? }`. User info in the address counts as user name and password; encoded, the
 * address has none and the password is masked.
 */
export const ProxySetting: Schema.Codec<ProxySetting, typeof Written.Encoded> = Written.pipe(
  Schema.decodeTo(
    Route,
    SchemaTransformation.transformEffect({
      decode: (written: typeof Written.Type) => parse(written),
      encode: (route: ProxySetting): Effect.Effect<typeof Written.Type> =>
        Effect.succeed(
          route.kind === "direct"
            ? { url: "direct" }
            : {
                url: route.url,
                ...(route.username === null ? {} : { username: route.username }),
                ...(route.password === null ? {} : { password: route.password })
              }
        )
    })
  )
)

const parse = (written: typeof Written.Type): Effect.Effect<ProxySetting, SchemaIssue.Issue> => {
  const { password, username } = written
  if (written.url.toLowerCase() === "direct") {
    return username === undefined && password === undefined
      ? Effect.succeed(direct)
      : refuse("username", "a direct route takes no user name or password")
  }
  const url = written.url.length <= 2048 && URL.canParse(written.url) ? new URL(written.url) : null
  if (url === null || !/^(https?|socks5):$/.test(url.protocol) || url.hostname === "")
    return refuse("url", `expected ${expected}`)
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    return refuse("url", "a proxy's address has no path, query or fragment")
  }
  const inAddress = url.username !== "" || url.password !== ""
  if (inAddress && (username !== undefined || password !== undefined)) {
    return refuse("url", "the user name stands in the address and beside it; write it once")
  }
  const name = inAddress ? decoded(url.username) : username
  const secret = inAddress ? decoded(url.password) : password === undefined ? undefined : Redacted.value(password)
  if ((name === undefined) !== (secret === undefined)) {
    return refuse(
      name === undefined ? "username" : "password",
      "user name and password belong together; one is missing"
    )
  }
  return Effect.succeed({
    kind: "proxy",
    url: `${url.protocol}//${url.host}`,
    username: name ?? null,
    password: secret === undefined ? null : Redacted.make(secret)
  })
}

/** Percent-decoding that never fails: what is no escape stays as it is. */
const decoded = (text: string): string =>
  new URLSearchParams(`v=${text.replaceAll("+", "%2B").replaceAll("&", "%26")}`).get("v") ?? ""

const refuse = (key: string, message: string) =>
  Effect.fail(new SchemaIssue.Pointer([key], new SchemaIssue.InvalidValue({ message })))
