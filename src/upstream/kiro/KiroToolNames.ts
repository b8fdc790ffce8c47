/**
 * KiroToolNames: tool names as the upstream takes them, and the way back.
 *
 * The upstream takes at most 64 characters of `[a-zA-Z0-9_-]` and tells names apart without regard to case. A name
 * that fits is sent as it is. Any other becomes its first 54 characters (each one that is not allowed a `_`), `_`, and
 * 8 hex digits of the SHA-256 of the whole name: 63 characters at most, the same in every request, and different for
 * names that differ. Weir keeps to 63 because clients of AWS disagree about the 64th.
 */

/** A name that is sent as it is. */
const allowed = /^[a-zA-Z0-9_-]{1,63}$/
const kept = 54

/** A table of the names of one request. */
export interface ToolNames {
  /** Gives a tool that the request defines its name upstream. */
  readonly define: (clientName: string) => string
  /**
   * The name upstream of a tool that an earlier call mentions: the tool of that name, else one that differs only by
   * case, else a name of its own, which is then listed by `undefinedNames`.
   */
  readonly refer: (clientName: string) => string
  /** The name upstream, if the tool has one. */
  readonly sentName: (clientName: string) => string | undefined
  /** Names upstream that were referred to and never defined, in order. */
  readonly undefinedNames: () => ReadonlyArray<string>
  /** From the name upstream to the client's own. */
  readonly clientNames: ReadonlyMap<string, string>
}

/** @param sha256Hex lower-case hex of the SHA-256 of a text's UTF-8 bytes */
export const makeToolNames = (sha256Hex: (text: string) => string): ToolNames => {
  const clientNames = new Map<string, string>()
  const sentNames = new Map<string, string>()
  const sentByLowerName = new Map<string, string>()
  const taken = new Set<string>()
  const referred: Array<string> = []

  const define = (clientName: string): string => {
    let sent = allowed.test(clientName) ? clientName : shorten(clientName, sha256Hex(clientName))
    for (let n = 1; taken.has(sent.toLowerCase()); n++) sent = shorten(clientName, sha256Hex(`${clientName}\n${n}`))
    taken.add(sent.toLowerCase())
    clientNames.set(sent, clientName)
    sentNames.set(clientName, sent)
    if (!sentByLowerName.has(clientName.toLowerCase())) sentByLowerName.set(clientName.toLowerCase(), sent)
    return sent
  }

  const refer = (clientName: string): string => {
    const defined = sentNames.get(clientName) ?? sentByLowerName.get(clientName.toLowerCase())
    if (defined !== undefined) return defined
    const sent = define(clientName)
    referred.push(sent)
    return sent
  }

  return { define, refer, sentName: (name) => sentNames.get(name), undefinedNames: () => referred, clientNames }
}

const shorten = (name: string, hash: string): string =>
  `${name.replace(/[^a-zA-Z0-9_-]/gu, "_").slice(0, kept)}_${hash.slice(0, 8)}`
