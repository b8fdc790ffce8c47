/**
 * Announcement: what a person reads who has just started the gateway. Pure.
 */
import { version } from "../message/Version.ts"

export interface Announced {
  /** Address without a path. */
  readonly url: string
  /** The keys that were just made, to be shown this once; null where there were keys already. */
  readonly newKeys: { readonly client: string; readonly admin: string } | null
  readonly sandbox: boolean
}

/** Stands for a key that was shown at the first start and is stored nowhere. */
const earlier = "<key from the first start>"

/** Lines for a terminal, ready to paste from. */
export const announcement = ({ newKeys, sandbox, url }: Announced): ReadonlyArray<string> => {
  const client = newKeys?.client ?? earlier
  return [
    `Weir ${version} serves on ${url}`,
    "",
    ...(sandbox
      ? [
          "No credential was ever added, so the built-in sandbox answers: no model, no network, no cost.",
          "Add one with KIRO_API_KEY=ksk_… or: npm run weir -- credentials import FILE",
          ""
        ]
      : []),
    ...(newKeys === null
      ? [`Client key: ${earlier}; another one: npm run weir -- keys create NAME`]
      : [
          `Client key: ${newKeys.client}`,
          `Admin key:  ${newKeys.admin}`,
          "They are shown this once; only their hashes are stored. Others: npm run weir -- keys create NAME"
        ]),
    "",
    "Try it:",
    `  curl -N ${url}/v1/messages -H "x-api-key: ${client}" -H "content-type: application/json" ` +
      `-d '{"model":"claude-sonnet-4-5","max_tokens":1024,"stream":true,"messages":[{"role":"user","content":"Hello"}]}'`,
    "",
    "Claude Code:",
    `  export ANTHROPIC_BASE_URL=${url}`,
    `  export ANTHROPIC_AUTH_TOKEN=${client}`,
    "  claude",
    "",
    `Admin: ${url}/admin`
  ]
}
