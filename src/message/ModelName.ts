/**
 * ModelName: what clients append to a model's name to say how it should answer, and not which model it is; and the one
 * name of a model without any of it. Pure.
 *
 * **Source:** model ids of Kiro (`claude-sonnet-4.5`) and of Anthropic (`claude-sonnet-4-5-20250929`,
 * `claude-3-5-haiku-latest`); the suffixes by which clients ask for thinking (`-thinking`) and for a window (`[1m]`).
 */

/** `-thinking` asks for thinking, `[1m]` for a window: neither is part of the upstream's name. */
export const suffixes = /(?:[-_]thinking|\[\d+[km]\])+$/i
/** The day of a model's release. */
const dates = /(?:-\d{8})+$/

const thinking = /[-_]thinking(?:[-_]thinking|\[\d+[km]\]|-\d{8}|-latest)*$/i

/** The newest release of a model is named by this in place of its day. */
const latest = /-latest$/
const dashedVersion = /^(claude-[a-z]+-\d{1,2})-(\d{1,2})\b/

/** Whether the name itself asks for thinking, before or after a date or another suffix. */
export const asksForThinking = (name: string): boolean => thinking.test(name)

/**
 * A model's one name, whatever a client has appended and however its version is spelled: `claude-sonnet-4.5` for
 * `claude-sonnet-4-5-20250929-thinking[1m]`. Of names that are not Anthropic's only suffixes go.
 *
 * A suffix may hide a date and a date a suffix: all go until none is left. The canonical name of one is itself.
 */
export const canonicalModel = (name: string): string => {
  const bare = without(name, suffixes)
  if (!bare.startsWith("claude-")) return bare
  const undated = without(without(bare, dates), latest)
  return undated === name ? undated.replace(dashedVersion, "$1.$2") : canonicalModel(undated)
}

/** The name without its ending, or the name itself where nothing would be left. */
export const without = (name: string, ending: RegExp): string => name.replace(ending, "") || name
