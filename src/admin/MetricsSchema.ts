/**
 * What a dashboard shows, as the admin API tells it.
 */
import { Schema } from "effect"
import { DisabledReason } from "../message/CredentialState.ts"

const count = (description: string) => Schema.Int.annotate({ description })
const ms = Schema.NullOr(Schema.Finite).annotate({ description: "Milliseconds, to within 9 %; null: nothing to tell." })
const Time = Schema.DateTimeUtcFromString.annotate({ format: "date-time" })

const Share = Schema.Struct({
  input: Schema.Finite.annotate({ description: "Input tokens, cached or not." }),
  read: Schema.Finite.annotate({ description: "Those of them that came from a cache." })
})

const figures = {
  requests: count("Requests that ended."),
  ok: Schema.Int,
  failed: Schema.Int,
  clientClosed: count("Those whose client went away first."),
  inputTokens: Schema.Finite,
  outputTokens: Schema.Finite,
  firstEventP50: ms,
  firstEventP95: ms,
  totalP50: ms,
  totalP95: ms,
  errors: Schema.Record(Schema.String, Schema.Int).annotate({
    description: "Failed requests by the kind of their last failure; at most 33 kinds."
  }),
  cache: Schema.Struct({
    measured: Share.annotate({ description: "Where the upstream gave the figures." }),
    estimated: Share.annotate({ description: "Where Anthropic's documented rules stand in for them." }),
    reported: Share.annotate({ description: "What clients were told under cache.reportedReadRatio." })
  })
}

export const TrafficView = Schema.Struct(figures).annotate({ identifier: "Traffic" })

export const TrafficMinuteView = Schema.Struct({ time: Time, ...figures }).annotate({ identifier: "TrafficMinute" })

/** How the pool is, in the parts of a sentence. */
export const PoolHealthView = Schema.Struct({
  total: Schema.Int,
  ready: count("Credentials that a request could have now."),
  full: count("Those whose permits are all taken."),
  cooling: Schema.Int,
  disabled: Schema.Int,
  disabledBy: Schema.Record(DisabledReason, Schema.optionalKey(Schema.Int)),
  soonestRecovery: Schema.NullOr(Time).annotate({
    description: "When the next one comes back by itself; null: none does."
  })
}).annotate({ identifier: "PoolHealth" })

export const MetricsSummary = Schema.Struct({
  time: Time,
  pool: PoolHealthView,
  permits: Schema.Struct({
    outstanding: Schema.Int,
    limit: Schema.NullOr(Schema.Int).annotate({ description: "Of the whole gateway; null: no limit." })
  }),
  queued: count("Requests that wait for a permit."),
  recording: Schema.Boolean.annotate({ description: "Whether records are kept; where not, no request is served." }),
  minute: TrafficView.annotate({ description: "The last whole minute." }),
  hour: TrafficView.annotate({ description: "The last sixty minutes." }),
  series: Schema.Array(TrafficMinuteView).annotate({
    description:
      "Those minutes one by one, the oldest first, the last one under way. What was before the start is empty."
  })
}).annotate({ identifier: "MetricsSummary" })
