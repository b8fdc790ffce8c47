import { assert, describe, it } from "@effect/vitest"
import { egressOf } from "../../src/config/EgressChoice.ts"
import { direct, type Egress } from "../../src/message/Egress.ts"
import { GroupId } from "../../src/message/Ids.ts"

const proxy = (url: string): Egress => ({ kind: "proxy", url, username: null, password: null })
const own = proxy("http://own:1")
const ofGroup = proxy("http://group:1")
const global = proxy("http://global:1")
const eu = GroupId.make("eu")

describe("the way out", () => {
  it("is the credential's own, else its group's, else the gateway's", () => {
    const groups = (way: Egress) => [{ id: eu, proxy: way }]
    for (const [credential, known, all, egress, source] of [
      [{ proxy: own, group: eu }, groups(ofGroup), global, own, "credential"],
      [{ proxy: direct, group: eu }, groups(ofGroup), global, direct, "credential_direct"],
      [{ proxy: null, group: eu }, groups(ofGroup), global, ofGroup, "group"],
      [{ proxy: null, group: eu }, groups(direct), global, direct, "group_direct"],
      [{ proxy: null, group: eu }, [], global, global, "global"],
      [{ proxy: null, group: null }, groups(ofGroup), global, global, "global"],
      [{ proxy: null, group: null }, groups(ofGroup), direct, direct, "none"],
      [{ proxy: null, group: null }, [], null, direct, "none"]
    ] as const) {
      assert.deepStrictEqual(egressOf(credential, known, all), { egress, source })
    }
  })
})
