/**
 * HttpAddress: the addresses an operator may name, and which hosts are this machine itself.
 */
import { Schema } from "effect"

/** The regions that a template's `{region}` is tried with when it is checked. */
const sampleRegion = "us-east-1"

/** JSON Schema cannot say what an address is; the annotations beside it are kept. */
const looser = (): readonly [{}, true] => [{}, true]

const isAddress = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : null
  return (
    url !== null &&
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === ""
  )
}

/** An `http` or `https` address without user info, query or fragment. */
export const HttpAddress = Schema.String.check(
  Schema.makeFilter(isAddress, {
    expected: "an http or https address without user name, query or fragment",
    toJsonSchema: looser
  })
)

/** An {@link HttpAddress} in which `{region}` may stand for the region of a call. */
export const AddressTemplate = Schema.String.check(
  Schema.makeFilter((text: string) => isAddress(fillRegion(text, sampleRegion)) && !/[{}]/.test(fillRegion(text, "")), {
    expected: "an http or https address, in which {region} stands for the region",
    toJsonSchema: looser
  })
)

/** The template with its region filled in. */
export const fillRegion = (template: string, region: string): string => template.replaceAll("{region}", region)

/** Whether a host name or address is loopback: `localhost` and below, `127.0.0.0/8`, `::1`. */
export const isLoopback = (host: string): boolean => {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1" || name === "0:0:0:0:0:0:0:1") return true
  const mapped = name.replace(/^::ffff:/, "")
  return /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(mapped)
}
