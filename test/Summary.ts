/**
 * The last line of a test run: `N passed, N failed, N skipped`.
 *
 * A test is skipped where a program that it needs is not installed, and is named above that line. With
 * `WEIR_TEST_REQUIRE=all` nothing may be missing: a skipped test is a failed one.
 */
import type { Reporter, SerializedError, TestModule } from "vitest/node"

/** Vitest reporter, to stand last in `reporters` because its line closes the output. */
export default class Summary implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandled: ReadonlyArray<SerializedError>): void {
    const { passed, failed, skipped } = count(modules)
    const required = process.env["WEIR_TEST_REQUIRE"] === "all"
    const missing = required ? skipped.length : 0

    for (const name of skipped) write(`${required ? "failed, because it was skipped" : "skipped"}: ${name}`)
    if (missing > 0) process.exitCode = 1
    write(`${passed} passed, ${failed + unhandled.length + missing} failed, ${skipped.length - missing} skipped`)
  }
}

/** Tests by outcome. What fails outside of a test, such as a file that does not load, counts as one failure. */
const count = (modules: ReadonlyArray<TestModule>) => {
  let passed = 0
  let failed = 0
  const skipped: Array<string> = []
  for (const module of modules) {
    failed += module.errors().length
    for (const suite of module.children.allSuites()) failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === "passed") passed++
      else if (state === "failed") failed++
      else skipped.push(`${module.relativeModuleId} > ${test.fullName}`)
    }
  }
  return { passed, failed, skipped }
}

const write = (line: string) => {
  process.stdout.write(`${line}\n`)
}
