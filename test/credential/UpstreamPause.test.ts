import { assert, describe, it } from "@effect/vitest"
import { pauseFor, UpstreamPause, pauseWindow } from "../../src/credential/UpstreamPause.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { id } from "./PoolRig.ts"

const kiro = UpstreamId.make("kiro")

describe("UpstreamPause", () => {
  it("begins with failures on three credentials within five seconds", () => {
    const pause = new UpstreamPause()
    assert.isNull(pause.failed(kiro, id("a"), "upstream_error", 0))
    assert.isNull(pause.failed(kiro, id("b"), "network", 1_000))
    assert.strictEqual(pause.failed(kiro, id("c"), "timeout", 4_999), 4_999 + pauseFor)
    assert.isNull(pause.failed(kiro, id("d"), "network", 5_000), "counts anew")
  })

  it("does not begin with one credential's failures, with limits of accounts, or with failures far apart", () => {
    const pause = new UpstreamPause()
    for (const at of [0, 1, 2, 3]) assert.isNull(pause.failed(kiro, id("a"), "upstream_error", at))
    for (const name of ["b", "c", "d"]) assert.isNull(pause.failed(kiro, id(name), "rate_limit", 4))
    assert.isNull(pause.failed(kiro, id("b"), "network", pauseWindow + 3))
    assert.isNull(pause.failed(kiro, id("c"), "network", pauseWindow + 4))
  })

  it("does not begin where the upstream has answered in between, or where others fail", () => {
    const pause = new UpstreamPause()
    pause.failed(kiro, id("a"), "network", 0)
    pause.failed(kiro, id("b"), "network", 0)
    assert.isNull(pause.failed(UpstreamId.make("other"), id("c"), "network", 0))
    pause.answered(kiro, 0)
    assert.isNull(pause.failed(kiro, id("c"), "network", 0))
  })
})
