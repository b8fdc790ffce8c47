import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Ledger } from "../../src/ledger/Ledger.ts"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import { minutes, mostErrors, Traffic, type TrafficFigures } from "../../src/ledger/Traffic.ts"
import { Outcome, type RequestRecord } from "../../src/message/RequestRecord.ts"
import { CacheSource } from "../../src/message/Usage.ts"
import { LogHistogram } from "../../src/telemetry/LogHistogram.ts"
import { attempt, intent, record } from "./Records.ts"

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
const Drawn = Schema.Struct({
  /** Minutes of the end, of two hours, and where in it. */
  minute: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 119 })),
  total: count,
  outcome: Outcome,
  cacheSource: CacheSource,
  input: count,
  read: count,
  output: count,
  reported: Schema.NullOr(count),
  firstEvent: Schema.NullOr(count),
  kind: Schema.Literals(["rate_limit", "network", "timeout"])
})

const recordOf = (drawn: typeof Drawn.Type, index: number): RequestRecord => {
  const counts = {
    input_tokens: drawn.input,
    output_tokens: drawn.output,
    cache_creation_input_tokens: 1,
    cache_read_input_tokens: drawn.read
  }
  return record(`req_${index}`, {
    time: drawn.minute * 60_000 + 30_000 - drawn.total,
    outcome: drawn.outcome,
    usage: { ...counts, source: "upstream", cacheSource: drawn.cacheSource },
    reported: drawn.reported === null ? null : { ...counts, cache_read_input_tokens: drawn.reported },
    phases: { queue: 0, upstreamHeader: null, firstEvent: drawn.firstEvent, total: drawn.total },
    attempts: [{ ...attempt("a"), failure: { kind: drawn.kind, status: null, scope: "credential" } }]
  })
}

const sum = (values: ReadonlyArray<number>) => values.reduce((all, one) => all + one, 0)

const share = (records: ReadonlyArray<RequestRecord>, of: "usage" | "reported") => ({
  input: sum(
    records.map((one) => {
      const usage = one[of]
      return usage === null ? 0 : usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens
    })
  ),
  read: sum(records.map((one) => one[of]?.cache_read_input_tokens ?? 0))
})

const naive = (records: ReadonlyArray<RequestRecord>): TrafficFigures => {
  const histogram = (values: ReadonlyArray<number>) => {
    const made = new LogHistogram()
    for (const value of values) made.note(value)
    return made
  }
  const ended = (outcome: string) => records.filter((one) => one.outcome === outcome)
  const firstEvent = histogram(records.flatMap(({ phases }) => phases.firstEvent ?? []))
  const total = histogram(records.map(({ phases }) => phases.total))
  const kinds = ended("failed").map(({ attempts }) => attempts[0]?.failure?.kind ?? "")
  return {
    requests: records.length,
    ok: ended("ok").length,
    failed: ended("failed").length,
    clientClosed: ended("client_closed").length,
    inputTokens: share(records, "usage").input,
    outputTokens: sum(records.map(({ usage }) => usage.output_tokens)),
    firstEventP50: firstEvent.quantile(0.5),
    firstEventP95: firstEvent.quantile(0.95),
    totalP50: total.quantile(0.5),
    totalP95: total.quantile(0.95),
    errors: Object.fromEntries([...new Set(kinds)].map((kind) => [kind, kinds.filter((one) => one === kind).length])),
    cache: {
      measured: share(
        records.filter(({ usage }) => usage.cacheSource === "upstream"),
        "usage"
      ),
      estimated: share(
        records.filter(({ usage }) => usage.cacheSource === "estimated"),
        "usage"
      ),
      reported: share(records, "reported")
    }
  }
}

const minuteOf = ({ phases, time }: RequestRecord) => Math.floor((time + phases.total) / 60_000)

describe("Traffic", () => {
  it.prop(
    "says of each minute of the last hour, and of all together, what a look at every record would",
    [Schema.Array(Drawn), Schema.Int.check(Schema.isBetween({ minimum: 119, maximum: 200 }))],
    ([drawn, current]) => {
      const traffic = new Traffic()
      const records = drawn.map(recordOf).toSorted((a, b) => a.time + a.phases.total - (b.time + b.phases.total))
      for (const one of records) traffic.note(one)
      const { hour, minute, series } = traffic.summary(current * 60_000 + 1)
      const of = (from: number, to: number) =>
        naive(records.filter((one) => minuteOf(one) >= from && minuteOf(one) <= to))
      assert.strictEqual(series.length, minutes)
      assert.deepStrictEqual(
        series,
        series.map((_, index) => {
          const at = current - minutes + 1 + index
          return { time: at * 60_000, ...of(at, at) }
        })
      )
      assert.deepStrictEqual(hour, of(current - minutes + 1, current))
      assert.deepStrictEqual(minute, of(current - 1, current - 1))
    }
  )

  it("tells a bounded number of kinds of errors apart", () => {
    const traffic = new Traffic()
    for (let n = 0; n < 100; n++) {
      const error = { type: `kind ${n}`, message: "" }
      traffic.note(record(`req_${n}`, { time: 0, outcome: "failed", error, attempts: [] }))
    }
    const { errors } = traffic.summary(1).hour
    assert.strictEqual(Object.keys(errors).length, mostErrors + 1)
    assert.strictEqual(errors["other"], 100 - mostErrors)
  })

  it("leaves out a record that comes more than an hour late", () => {
    const traffic = new Traffic()
    traffic.note(record("req_1", { time: 61 * 60_000 }))
    traffic.note(record("req_2", { time: 0 }))
    assert.deepStrictEqual(
      traffic.summary(61 * 60_000).series.map(({ requests }) => requests),
      [...Array.from({ length: 59 }, () => 0), 1]
    )
  })
})

describe("the ledger", () => {
  it.effect("counts each request once, when it is settled, and tells who listens", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const heard: Array<string> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* ledger.listen(({ id }) => heard.push(id))
          const open = yield* ledger.open(intent("req_1", { time: 0 }), () => null)
          assert.strictEqual((yield* ledger.traffic).hour.requests, 0)
          open.settle(record("req_1", { time: 0 }))
          open.settle(record("req_1", { time: 0 }))
        })
      )
      const later = yield* ledger.open(intent("req_2"), () => null)
      later.settle(record("req_2"))
      assert.deepStrictEqual(heard, ["req_1"])
      assert.strictEqual((yield* ledger.traffic).hour.requests, 2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* ledger.traffic).minute.requests, 2)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* ledger.traffic).hour.requests, 0)
    }).pipe(
      Effect.provide(Ledger.layer(Duration.days(1)).pipe(Layer.provide(LedgerStoreMemory.layer)), { local: true })
    )
  )
})
