/**
 * Version: what this program calls itself, to upstreams and to people.
 */

/** The same as `version` in package.json. */
export const version = "0.1.0"
