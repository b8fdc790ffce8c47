/**
 * Egress: one HTTP client for each way out, with its own pool of connections for each origin.
 *
 * The only file that makes undici's agents. Its SOCKS5 agent says on first use that it is experimental; that one warning
 * is kept from the console: this choice is ours, and tested against a server.
 *
 * Bounded: past the limit the client that was used least recently closes once its calls have ended.
 */
import { Effect, Redacted, Result, type Scope } from "effect"
import { Agent, type Dispatcher, Pool, ProxyAgent, Socks5ProxyAgent } from "undici"
import type { Egress } from "../message/Egress.ts"

/** Ways out that are kept open. */
const kept = 1_024
/** Longest time for a connection to be made. Milliseconds. */
const connectTimeout = 10_000

const common = { allowH2: false, keepAliveTimeout: 60_000 } as const

export class EgressClients {
  readonly #direct = new Agent({ ...common, connect: { timeout: connectTimeout } })
  /** By address and account, the least recently used first. */
  readonly #proxied = new Map<string, Dispatcher>()

  /** The client for a way out. */
  of(egress: Egress): Dispatcher {
    if (egress.kind === "direct") return this.#direct
    const { password, url, username } = egress
    const key = JSON.stringify([url, username, password === null ? null : Redacted.value(password)])
    const client = this.#proxied.get(key) ?? clientOf(url, username, password)
    this.#proxied.delete(key)
    this.#proxied.set(key, client)
    if (this.#proxied.size > kept) {
      for (const [oldest, unused] of this.#proxied) {
        this.#proxied.delete(oldest)
        void unused.close()
        break
      }
    }
    return client
  }

  /** Ends all calls. */
  destroy(): Promise<unknown> {
    return Promise.all([this.#direct, ...this.#proxied.values()].map((client) => client.destroy()))
  }
}

/** Clients for as long as the scope is open. */
export const makeClients: Effect.Effect<EgressClients, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => new EgressClients()),
  (clients) => Effect.promise(() => clients.destroy())
)

const clientOf = (url: string, username: string | null, password: Redacted.Redacted | null): Dispatcher => {
  const account =
    username === null || password === null ? null : ({ username, password: Redacted.value(password) } as const)
  if (new URL(url).protocol === "socks5:") {
    return withoutWarning(() => new Socks5ProxyAgent(url, { ...common, connectTimeout, ...account }))
  }
  const token =
    account === null ? null : `Basic ${Buffer.from(`${account.username}:${account.password}`).toString("base64")}`
  // A proxy that takes the connection and never answers is as good as one that is not there.
  const clientFactory = (origin: URL, options: object) =>
    new Pool(origin, { ...options, connectTimeout, headersTimeout: connectTimeout })
  return new ProxyAgent({ ...common, uri: url, connectTimeout, clientFactory, ...(token === null ? {} : { token }) })
}

/** Runs it without the warning that it is experimental. Whatever else is to be said goes out as ever. */
const withoutWarning = (make: () => Dispatcher): Dispatcher => {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...more: ReadonlyArray<unknown>) => {
    if (!more.includes("ExperimentalWarning")) Reflect.apply(emitWarning, process, [warning, ...more])
  }
  const made = Result.try(make)
  process.emitWarning = emitWarning
  return Result.getOrThrow(made)
}
