/**
 * Original: a request as its client wrote it, for upstreams that speak the clients' own language.
 */

export interface Original {
  /** JSON, as it came. */
  readonly body: Uint8Array
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** With its question mark; empty where there is none. */
  readonly query: string
}
