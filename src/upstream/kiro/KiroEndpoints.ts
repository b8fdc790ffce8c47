/**
 * Where Kiro's services are, and which region a credential's calls go to.
 *
 * **Source:** AWS `codewhisperer-streaming` endpoints; the region of an API call belongs to the profile's ARN.
 */
import { fillRegion } from "../../config/HttpAddress.ts"
import { isRegion } from "../../config/Region.ts"
import type { Credential } from "../../message/Credential.ts"

/** Address templates; `{region}` is filled in. Each can be replaced, so that a test stands in for the vendor. */
export interface KiroEndpoints {
  /** Region where neither the credential nor its profile names one. */
  readonly region: string
  readonly api: string
  readonly socialRefresh: string
  readonly idcRefresh: string
}

/** The region in an ARN, or null where there is none or it is not of a region's form. */
export const regionOfArn = (arn: string | null): string | null => {
  const region = arn?.split(":")[3] ?? ""
  return isRegion(region) ? region : null
}

/** The region of this credential's API calls. */
export const apiRegion = (credential: Credential, endpoints: KiroEndpoints): string =>
  credential.apiRegion ?? regionOfArn(credential.profileArn) ?? endpoints.region

/** Regions in which an unknown profile may be found, the likeliest first, each once. */
export const profileRegions = (credential: Credential, endpoints: KiroEndpoints): ReadonlyArray<string> => [
  ...new Set([
    ...(credential.apiRegion === null ? [] : [credential.apiRegion]),
    ...("authRegion" in credential ? [credential.authRegion] : []),
    endpoints.region,
    "us-east-1",
    "eu-central-1",
    "ap-southeast-1",
    "us-west-2"
  ])
]

/** An address with its region filled in and `path` appended to what the template already has. */
export const address = (template: string, region: string, path = ""): URL => {
  const base = fillRegion(template, region)
  return new URL(path === "" ? base : base.replace(/\/$/, "") + path)
}
