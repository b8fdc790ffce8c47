/**
 * CredentialIntake: what an operator gives a running pool becomes credentials of it.
 *
 * Rows are untrusted. Each is verified before it is in the pool, at most eight at a time, and durable when its turn is
 * over, with the tokens that its verification brought. An import that ends half way can be made again: what it has added
 * it finds as duplicates. The same secret is never verified twice at once: the second refresh would spend the token that
 * the first has just stored.
 */
import { Context, Effect, Layer, Schedule } from "effect"
import type { Upstream } from "../config/UpstreamSettings.ts"
import { CredentialId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"
import { randomUuid } from "../message/Uuid.ts"
import { type CredentialRow, parseCredentialFile, type Row, withId } from "./CredentialFile.ts"
import type { ImportResult } from "./CredentialImport.ts"
import { CredentialPool } from "./CredentialPool.ts"
import { type Health, untouched } from "./CredentialStore.ts"
import { whyNot } from "./Verification.ts"

/**
 * What verification decides.
 *
 * - `none`: nothing is verified
 * - `tell`: what fails is kept, with what was learnt of it, and reported as `unverified`
 * - `require`: what fails is not kept
 */
export type VerificationPolicy = "none" | "tell" | "require"

/** A result, and whom it is about; no secret. */
export interface Taken extends ImportResult {
  readonly email?: string | null
}

export class CredentialIntake extends Context.Service<
  CredentialIntake,
  {
    /** The rows of a body, with or without proxies of their own. Nothing of the environment is read for them. */
    readonly rowsOf: (text: string, allowProxy: boolean) => ReadonlyArray<Row>
    /**
     * Adds the rows that are credentials. The results stand in the order of the rows; `told` hears of each when its turn
     * is over. Whoever interrupts it waits for the rows that are being added.
     */
    readonly take: (
      rows: ReadonlyArray<Row>,
      policy: VerificationPolicy,
      told: (result: Taken) => Effect.Effect<void>
    ) => Effect.Effect<ReadonlyArray<Taken>, StorageError>
  }
>()("weir/credential/CredentialIntake") {
  /** @param upstreams the configured ones, in their order */
  static readonly layer = (upstreams: ReadonlyArray<Upstream>): Layer.Layer<CredentialIntake, never, CredentialPool> =>
    Layer.effect(CredentialIntake, make(upstreams))
}

/** Rows at a time. */
const atATime = 8
/** Between tries to store what a verification brought. */
const patience = Schedule.exponential("100 millis")

const make = Effect.fnUntraced(function* (upstreams: ReadonlyArray<Upstream>) {
  const { operations } = yield* CredentialPool
  /** Fingerprints that are being added now. Bounded by the imports under way, eight each. */
  const busy = new Set<string>()

  const add = Effect.fnUntraced(function* (
    { disabled, draft, fingerprint, note, row }: CredentialRow,
    policy: VerificationPolicy
  ): Effect.fn.Return<Taken, StorageError> {
    const known = yield* operations.find(fingerprint)
    if (known !== null) return { row, status: "duplicate", id: known, message: "is here already" }
    const given = withId({ draft, fingerprint }, CredentialId.make(yield* randomUuid))
    const verified = policy === "none" ? null : yield* operations.verify(given.credential)
    const problem = verified?.failure == null ? null : whyNot(verified.failure)
    if (problem !== null && policy === "require") return { row, status: "unverified", message: problem }
    const credential = verified?.credential ?? given.credential
    const { id, status } = yield* (
      operations
        .add({ credential, fingerprint }, healthOf(verified?.health ?? untouched, disabled))
        // The provider may no longer take the tokens that these replace.
        .pipe(Effect.retry({ schedule: patience, times: verified === null ? 0 : 4 }))
    )
    if (status === "duplicate") return { row, status, id, message: "is here already" }
    const message = [problem, note].filter((part) => part !== null).join("; ")
    return {
      row,
      status: problem === null ? "added" : "unverified",
      id,
      email: credential.email,
      ...(message === "" ? {} : { message })
    }
  }, Effect.uninterruptible)

  const takeRow = (row: Row, policy: VerificationPolicy): Effect.Effect<Taken, StorageError> =>
    Effect.suspend(() => {
      if (row.kind !== "credential") return Effect.succeed({ row: row.row, status: row.kind, message: row.message })
      const { fingerprint } = row
      if (busy.has(fingerprint)) return Effect.succeed({ row: row.row, status: "duplicate", message: "is being added" })
      busy.add(fingerprint)
      return Effect.ensuring(
        add(row, policy),
        Effect.sync(() => busy.delete(fingerprint))
      )
    })

  return CredentialIntake.of({
    rowsOf: (text, allowProxy) => parseCredentialFile(text, { upstreams, environment: null, allowProxy }),
    take: Effect.fn("CredentialIntake.take")(function* (rows, policy, told) {
      const results = yield* Effect.forEach(
        rows.filter(({ kind }) => kind !== "duplicate"),
        // Requests go first.
        (row) => Effect.yieldNow.pipe(Effect.andThen(takeRow(row, policy)), Effect.tap(told)),
        { concurrency: atATime }
      )
      const byRow = new Map(results.map((result) => [result.row, result]))
      return yield* Effect.forEach(rows, (row): Effect.Effect<Taken> => {
        const result = byRow.get(row.row)
        if (row.kind !== "duplicate") return Effect.succeed(result ?? { row: row.row, status: "invalid" })
        const id = byRow.get(row.of)?.id
        const repeated: Taken = { row: row.row, status: "duplicate", message: row.message, ...(id && { id }) }
        return Effect.as(told(repeated), repeated)
      })
    })
  })
})

const healthOf = (learnt: Health, disabled: boolean): Health =>
  disabled && learnt.disabled === null ? { ...learnt, disabled: { reason: "manual", until: null } } : learnt
