/**
 * JsonBody: a request's bytes become JSON, or a sentence that says where they are not. Pure.
 */
import { Result } from "effect"
import { parse, type ParseError } from "jsonc-parser"

/** The value, or what is wrong and where. */
export const parseJson = (bytes: Uint8Array): Result.Result<unknown, string> => {
  const text = decode(bytes)
  if (text === null) return Result.fail("the body is not UTF-8")
  if (text.trim() === "") return Result.fail("the body is empty; a JSON object is expected")
  return Result.mapError(
    Result.try((): unknown => JSON.parse(text)),
    () => `the body is not valid JSON${placeIn(text)}`
  )
}

/** Texts above this are not read a second time to find the place. Characters. */
const longest = 1024 * 1024

/** Where the first mistake is, as editors count; a second parser is asked, because the engine's own does not always tell. */
const placeIn = (text: string): string => {
  if (text.length > longest) return ""
  const errors: Array<ParseError> = []
  parse(text, errors, { disallowComments: true, allowTrailingComma: false })
  const before = text.slice(0, errors[0]?.offset ?? text.length)
  const column = before.length - before.lastIndexOf("\n")
  return `: something is wrong at line ${before.split("\n").length}, column ${column}`
}

const strict = new TextDecoder("utf-8", { fatal: true })

const decode = (bytes: Uint8Array): string | null =>
  Result.getOrElse(
    Result.try(() => strict.decode(bytes)),
    () => null
  )
