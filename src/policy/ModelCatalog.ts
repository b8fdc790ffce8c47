/**
 * ModelCatalog: what a client's name of a model means to the upstream, and what is known of models without asking. Pure.
 *
 * A name is only ever written another way, never turned into another model; only the operator's aliases do that.
 */
import { canonicalModel, suffixes, without } from "../message/ModelName.ts"
import type { UpstreamModel } from "../upstream/UpstreamProvider.ts"

/** The upstream's model for a client's name. */
export interface ResolvedModel {
  /** The upstream's name. */
  readonly id: string
  /** An operator's alias led to another model than the name says; the answer then names the model it came from. */
  readonly substituted: boolean
  /** The name for an upstream that speaks the clients' language; null where that is what the client wrote. */
  readonly named: string | null
}

/**
 * The upstream's name of what a client asks for. Resolving a resolved name changes nothing.
 *
 * @param aliases a client's name → the upstream's; looked up as the client wrote it, then without suffixes
 */
export const resolveModel = (name: string, aliases: Readonly<Record<string, string>>): ResolvedModel => {
  const own = canonicalModel(name)
  const bare = without(name, suffixes)
  const alias = [name, bare].find((key) => Object.hasOwn(aliases, key))
  const named = alias === undefined ? undefined : aliases[alias]
  const id = named ?? own
  const clientName = clientModelName(named ?? bare)
  return { id, substituted: canonicalModel(id) !== own, named: clientName === name ? null : clientName }
}

/** The name under which clients know an upstream's model; `resolveModel` leads back. */
export const clientModelName = (id: string): string => (id.startsWith("claude-") ? id.replaceAll(".", "-") : id)

const version = /^claude-[a-z]+-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)/

/**
 * The context window of a model whose upstream does not tell it. Tokens.
 *
 * **Source:** Anthropic, model overview: a million from version 4.6 on.
 */
export const contextWindow = (id: string): number => {
  const match = version.exec(id)
  const major = Number(match?.[1] ?? 0)
  const minor = Number(match?.[2] ?? 0)
  return major >= 5 || (major === 4 && minor >= 6) ? 1_000_000 : 200_000
}

const known = (id: string, name: string): UpstreamModel => ({
  id,
  name,
  maxInputTokens: contextWindow(id),
  maxOutputTokens: 64_000,
  promptCaching: null,
  info: null
})

/** What is answered where the upstream cannot be asked. */
export const staticModels: ReadonlyArray<UpstreamModel> = [
  known("claude-opus-4.7", "Claude Opus 4.7"),
  known("claude-opus-4.6", "Claude Opus 4.6"),
  known("claude-sonnet-4.6", "Claude Sonnet 4.6"),
  known("claude-opus-4.5", "Claude Opus 4.5"),
  known("claude-sonnet-4.5", "Claude Sonnet 4.5"),
  known("claude-haiku-4.5", "Claude Haiku 4.5")
]
