/**
 * Which station of the pipeline may know which: the table that the architecture test checks and the linter repeats.
 *
 * An entry is a folder of `src`, a file (`folder/File.ts`) or files by their ending; `*` stands for a part of one name.
 */

const pure = ["message", "config", "telemetry"]
const exchange = [...pure, "codec", "upstream", "cache", "ledger", "credential", "policy"]

/** The services that routes and the admin API show, and the errors and views those services answer with. */
const shown = [
  "cache/CacheAccounting.ts",
  "credential/CredentialIntake.ts",
  "credential/CredentialPool.ts",
  "credential/CredentialPoolError.ts",
  "credential/Explain.ts",
  "ledger/Ledger.ts",
  "policy/ClientKeys.ts",
  "policy/ClientKeysError.ts",
  "policy/KeyAdmission.ts",
  "policy/ModelCatalog.ts",
  "policy/RequestPolicy.ts",
  "upstream/UpstreamFailure.ts",
  "upstream/UpstreamProvider.ts"
]

/** Folder by folder what it may import besides itself. A folder that is not here may import nothing. */
export const layers: Readonly<Record<string, ReadonlyArray<string>>> = {
  message: [],
  config: ["message"],
  codec: ["message"],
  telemetry: ["message"],
  upstream: [...pure, "codec"],
  cache: pure,
  ledger: pure,
  credential: [...pure, "upstream/UpstreamProvider.ts", "upstream/UpstreamFailure.ts", "upstream/RefreshFailure.ts"],
  policy: [...pure, "ledger", "upstream/UpstreamProvider.ts"],
  exchange,
  http: [...pure, "exchange", "codec/SseFraming.ts", "codec/MessageEncoder.ts", ...shown],
  admin: [...pure, "exchange", ...shown],
  // A store's port lives with its owner; storage implements it.
  storage: ["message", "config", "*/*Store.ts"],
  ui: ["admin/*Api.ts", "admin/*Schema.ts"],
  simulator: ["message", "codec"],
  testing: ["message", "upstream/UpstreamProvider.ts"]
}

/** The folder of commands and the files beside the folders wire everything together, so they may import anything. */
export const wiring = ["cli/", "Gateway.ts", "index.ts", "main.ts", "node.ts", "testing.ts"]

/** Where `node:*`, `undici` and `@effect/platform-node` may stand: at the edges, and in files whose name says why. */
export const platform = [
  "cli/",
  "main.ts",
  "node.ts",
  "simulator/",
  "storage/",
  "codec/Crc32.ts",
  "http/MessagesResponse.ts",
  "http/NodeServer.ts",
  "message/Sha256.ts",
  "policy/ConstantTime.ts",
  "upstream/Dispatch.ts",
  "upstream/DocumentWorker.ts",
  "upstream/Egress.ts",
  "upstream/documents/DocumentReader.ts",
  "upstream/documents/ZipArchive.ts"
]

/** Whether a file is one of these, or lies in a folder (an entry that ends in `/`) that is. */
export const isAmong = (file: string, entries: ReadonlyArray<string>): boolean =>
  entries.some((entry) => (entry.endsWith("/") ? file.startsWith(entry) : file === entry))

/** Whether one file of `src` may import another; both paths are relative to `src`. */
export const mayImport = (from: string, to: string): boolean => {
  if (isAmong(from, wiring)) return true
  const [own, target] = [folderOf(from), folderOf(to)]
  if (target === "") return false
  return own === target || (layers[own] ?? []).some((entry) => entry === target || glob(entry).test(to))
}

/** What `.oxlintrc.json` must hold under `overrides` so that an editor shows what the test would. */
export const lintOverrides = (): ReadonlyArray<LintOverride> => {
  const folders = Object.keys(layers)
  const files = wiring.filter((entry) => !entry.endsWith("/"))
  const bare = files.filter((file) => !isAmong(file, platform))
  return [
    override(
      bare.map((file) => `src/${file}`),
      [platformPattern]
    ),
    ...folders.flatMap((folder) => {
      const whole = isAmong(`${folder}/`, platform)
      const exempt = platform.filter((entry) => folderOf(entry) === folder && !entry.endsWith("/"))
      const own = stationPatterns(folder)
      return [
        override([`src/${folder}/**`], whole ? own : [...own, platformPattern]),
        ...(exempt.length === 0
          ? []
          : [
              override(
                exempt.map((file) => `src/${file}`),
                own
              )
            ])
      ]
    })
  ]
}

/** One entry of the linter's `overrides`. */
export interface LintOverride {
  readonly files: ReadonlyArray<string>
  readonly rules: {
    readonly "no-restricted-imports": readonly ["error", { readonly patterns: ReadonlyArray<Pattern> }]
  }
}

type Pattern =
  | { readonly group: ReadonlyArray<string>; readonly message: string }
  | { readonly regex: string; readonly message: string }

const platformPattern: Pattern = {
  regex: "^(node:|undici($|/)|@effect/platform-node)",
  message: "Only the edges of the program know the platform: see test/support/Layering.ts."
}

/** Folders that are closed whole go into one expression; where single files are open, a list of globs can say so. */
const stationPatterns = (folder: string): ReadonlyArray<Pattern> => {
  const entries = layers[folder] ?? []
  const open = entries.filter((entry) => entry.includes("/"))
  const others = [...Object.keys(layers), "cli"].filter((other) => other !== folder && !entries.includes(other))
  const ajar = others.filter((other) => open.some((entry) => ["*", other].includes(folderOf(entry))))
  const closed = others.filter((other) => !ajar.includes(other))
  const files = wiring.filter((entry) => !entry.endsWith("/")).map((file) => file.replace(/\.ts$/, ""))
  const message = `${folder} does not know this: see test/support/Layering.ts.`
  const globs = ajar.map((other) => `../**/${other}/**`)
  const exceptions = open.map((entry) => `!../**/${entry.replace(/^\*\//, "")}`)
  return [
    { regex: `^(\\.\\./)+((${closed.join("|")})/|(${files.join("|")})\\.ts$)`, message },
    ...(ajar.length === 0 ? [] : [{ group: [...globs, ...exceptions], message }])
  ]
}

const override = (files: ReadonlyArray<string>, patterns: ReadonlyArray<Pattern>): LintOverride => ({
  files,
  rules: { "no-restricted-imports": ["error", { patterns }] }
})

const folderOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : "")

const glob = (entry: string): RegExp => new RegExp(`^${entry.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`)
