/**
 * Redaction: text from outside is made safe to log, to store and to repeat to a client.
 */

const secretMember =
  /("(?:access|refresh|id)[_-]?token"|"client[_-]?secret"|"(?:kiro|x)?[_-]?api[_-]?key"|"password"|"secret"|"authorization"|"bearer")(\s*:\s*)"(?:[^"\\]|\\.)*"?/gi
/** The same inside a JSON text that is itself a string of one. */
const escapedSecretMember =
  /(\\"(?:(?:access|refresh|id)[_-]?token|client[_-]?secret|(?:kiro|x)?[_-]?api[_-]?key|password|secret|authorization|bearer)\\")(\s*:\s*)\\"[^"\\]*(?:\\")?/gi
const formMember = /\b((?:access_|refresh_|id_)token|client_secret|password)=[^&\s"]+/gi
const bearer = /\bBearer\s+[A-Za-z0-9._~+/=-]{16,}/gi
/** Keys of Kiro and of Anthropic. */
const vendorKey = /\b(?:ksk_|sk-ant-)[A-Za-z0-9_-]{4,}/g

/** Longest text that is kept of an upstream's answer. Characters. */
export const upstreamTextLimit = 1024

/** Replaces values that look like secrets and cuts the text to 1,024 characters, on a code point. */
export const redact = (text: string): string =>
  cut(
    // Patterns run over a bounded piece; a secret cut in half at its end is still one to the first pattern.
    text
      .slice(0, upstreamTextLimit * 4)
      .replace(secretMember, '$1$2"<redacted>"')
      .replace(escapedSecretMember, '$1$2\\"<redacted>\\"')
      .replace(formMember, "$1=<redacted>")
      .replace(bearer, "Bearer <redacted>")
      .replace(vendorKey, "<redacted>"),
    upstreamTextLimit
  )

/** Longest text from outside in one log line. Characters. */
const logTextLimit = 256

/** Text from outside as one harmless piece of a log line: control characters escaped, cut to 256 characters. */
export const forLog = (text: string): string =>
  cut(
    cut(text, logTextLimit).replace(
      // C0, DEL, C1 and the two Unicode line separators.
      /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
    ),
    logTextLimit
  )

/** The first `length` characters, never half a surrogate pair. */
export const cut = (text: string, length: number): string => {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length)
}
