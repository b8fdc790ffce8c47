/**
 * Settings that change while the gateway runs, as the admin API shows and takes them.
 */
import { Schema } from "effect"
import type { HotSection } from "../config/HotSettings.ts"

/** A section's name in a path → its name in the configuration. */
export const sections = {
  pool: "pool",
  retry: "retry",
  cooldown: "cooldown",
  cache: "cache",
  models: "models",
  "system-prompt": "systemPrompt"
} as const satisfies Readonly<Record<string, HotSection>>

export const SectionName = Schema.Literals(["pool", "retry", "cooldown", "cache", "models", "system-prompt"]).annotate({
  expected: "pool, retry, cooldown, cache, models or system-prompt"
})

/** A section: each member as it was written, and who wrote it. A stored value wins over the file's. */
export const SectionView = Schema.Struct({
  value: Schema.Record(Schema.String, Schema.Json),
  origin: Schema.Record(Schema.String, Schema.Literals(["default", "file", "stored"]))
}).annotate({ identifier: "Section" })

/** A group and the proxy of its members, of which the address alone is shown. */
export const GroupView = Schema.Struct({
  id: Schema.String,
  proxy: Schema.optionalKey(Schema.Struct({ url: Schema.String })),
  proxyAccount: Schema.Boolean.annotate({ description: "Whether a user name and a password are sent to it." }),
  origin: Schema.Literals(["file", "stored"])
}).annotate({ identifier: "Group" })

export const GroupList = Schema.Struct({ data: Schema.Array(GroupView) }).annotate({ identifier: "GroupList" })
