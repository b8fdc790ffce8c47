/**
 * KiroModelList: the models the simulator offers, in the shape of `ListAvailableModels`.
 *
 * **Source:** AWS `ListAvailableModels` shape; names and limits as Kiro shows them, figures illustrative.
 */
import { Schema } from "effect"

export const KiroModel = Schema.Struct({
  modelId: Schema.NonEmptyString,
  modelName: Schema.String,
  description: Schema.optionalKey(Schema.String),
  /** Credits per million tokens here; AWS leaves the base of the multiplier open. */
  rateMultiplier: Schema.Finite,
  rateUnit: Schema.String,
  supportedInputTypes: Schema.Array(Schema.Literals(["TEXT", "IMAGE"])),
  tokenLimits: Schema.Struct({ maxInputTokens: Schema.Int, maxOutputTokens: Schema.Int }),
  promptCaching: Schema.Struct({
    supportsPromptCaching: Schema.Boolean,
    minimumTokensPerCacheCheckpoint: Schema.Int,
    maximumCacheCheckpointsPerRequest: Schema.Int
  })
})
export type KiroModel = typeof KiroModel.Type

interface Traits {
  readonly rate?: number
  readonly input?: number
  readonly output?: number
  /** Tokens; 0: no prompt caching. */
  readonly cacheMinimum?: number
  readonly images?: boolean
}

/** A model of the list with everything left out filled in: 200,000 in, 64,000 out, caching from 1,024 tokens. */
export const kiroModel = (modelId: string, modelName: string, traits: Traits = {}): KiroModel => {
  const { rate = 1, input = 200_000, output = 64_000, cacheMinimum = 1_024, images = true } = traits
  return {
    modelId,
    modelName,
    description: `${modelName}, simulated`,
    rateMultiplier: rate,
    rateUnit: "Credit",
    supportedInputTypes: images ? ["TEXT", "IMAGE"] : ["TEXT"],
    tokenLimits: { maxInputTokens: input, maxOutputTokens: output },
    promptCaching: {
      supportsPromptCaching: cacheMinimum > 0,
      minimumTokensPerCacheCheckpoint: cacheMinimum,
      maximumCacheCheckpointsPerRequest: cacheMinimum > 0 ? 4 : 0
    }
  }
}

const million = { input: 1_000_000, output: 128_000, cacheMinimum: 4_096 }

/** What is offered where nothing else is configured. */
export const defaultModels: ReadonlyArray<KiroModel> = [
  kiroModel("auto", "Auto"),
  kiroModel("claude-opus-5.5", "Claude Opus 5.5", { ...million, rate: 2.2 }),
  kiroModel("claude-sonnet-5.5", "Claude Sonnet 5.5", { ...million, rate: 1.3, cacheMinimum: 1_024 }),
  kiroModel("claude-opus-4.8", "Claude Opus 4.8", { ...million, rate: 2.2 }),
  kiroModel("claude-opus-4.7", "Claude Opus 4.7", { ...million, rate: 2.2 }),
  kiroModel("claude-opus-4.6", "Claude Opus 4.6", { ...million, rate: 2.2 }),
  kiroModel("claude-opus-4.5", "Claude Opus 4.5", { rate: 2.2, cacheMinimum: 4_096 }),
  kiroModel("claude-sonnet-4.6", "Claude Sonnet 4.6", { ...million, rate: 1.3, cacheMinimum: 2_048 }),
  kiroModel("claude-sonnet-4.5", "Claude Sonnet 4.5", { rate: 1.3 }),
  kiroModel("claude-sonnet-4", "Claude Sonnet 4", { rate: 1.3 }),
  kiroModel("claude-haiku-4.5", "Claude Haiku 4.5", { rate: 0.4, cacheMinimum: 4_096 }),
  kiroModel("deepseek-3.2", "DeepSeek 3.2", { rate: 0.25, input: 128_000, cacheMinimum: 0, images: false })
]
