import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runInNewContext } from "node:vm"
import { script, style } from "../../src/admin/ReferenceFiles.ts"
import { ask, makeAdminRig } from "./AdminRig.ts"

/** As much of a browser as the script asks for: elements that become text. */
class FakeElement {
  readonly children: Array<unknown> = []
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  setAttribute(_name: string, _value: string) {}
  append(...children: ReadonlyArray<unknown>) {
    this.children.push(...children)
  }
  prepend(...children: ReadonlyArray<unknown>) {
    this.children.unshift(...children)
  }
  get text(): string {
    return this.children.map((child) => (child instanceof FakeElement ? child.text : String(child))).join("\n")
  }
}

describe("the reference page", () => {
  it.effect("is served without a key, with script and style as files of ours and nothing inline or foreign", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const page = yield* ask(rig, "/api/admin/docs", { key: null })
      assert.deepStrictEqual([page.status, page.headers["content-type"]], [200, "text/html; charset=utf-8"])
      assert.notMatch(page.text, /<style|\son\w+=|style=|https?:|\/\/|<script(?![^>]*\ssrc=)|<script[^>]*>[^<]/)
      const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
        ([, path]) => new URL(`${path}`, `${rig.url}/api/admin/docs`)
      )
      assert.deepStrictEqual(
        files.map(({ pathname }) => pathname),
        ["/api/admin/docs/reference.css", "/api/admin/docs/reference.js", "/api/admin/openapi.json"]
      )
      for (const { pathname } of files) assert.strictEqual((yield* ask(rig, pathname, { key: null })).status, 200)
      const served = yield* ask(rig, "/api/admin/docs/reference.js", { key: null })
      assert.deepStrictEqual([served.text, served.headers["content-type"]], [script, "text/javascript; charset=utf-8"])
      assert.include((yield* ask(rig, "/api/admin/docs/reference.css", { key: null })).text, style)
    })
  )

  it("has a script and a style that name no other host and set no markup", () => {
    assert.notMatch(script + style, /https?:|innerHTML|outerHTML|insertAdjacent|document\.write|eval|@import|url\(/)
  })

  it.effect("shows every path of the document", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig()
      const main = new FakeElement("main")
      const shown = yield* Effect.promise(
        () =>
          new Promise<string>((resolve) => {
            main.prepend = (...children) => {
              main.children.unshift(...children)
              resolve(main.text)
            }
            runInNewContext(script, {
              document: { createElement: (name: string) => new FakeElement(name), getElementById: () => main },
              fetch: (path: string) => fetch(new URL(path, `${rig.url}/api/admin/docs`))
            })
          })
      )
      for (const text of [
        "GET /api/admin/credentials",
        "POST /api/admin/credentials/{id}/refresh",
        `"nextCursor"`,
        "priority"
      ]) {
        assert.include(shown, text)
      }
      assert.notInclude(shown, "undefined")
      assert.notInclude(shown, "$ref")
    })
  )
})
