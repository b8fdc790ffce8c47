/**
 * ModelName: what clients append to a model's name to say how it should answer, and not which model it is. Pure.
 */

/** `-thinking` asks for thinking, `[1m]` for a window: neither is part of the upstream's name. */
export const suffixes = /(?:[-_]thinking|\[\d+[km]\])+$/i
/** The day of a model's release. */
export const dates = /(?:-\d{8})+$/

const thinking = /[-_]thinking(?:[-_]thinking|\[\d+[km]\]|-\d{8})*$/i

/** Whether the name itself asks for thinking, before or after a date or another suffix. */
export const asksForThinking = (name: string): boolean => thinking.test(name)
