import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { htmlText } from "../../../src/upstream/documents/HtmlText.ts"
import { attribute, readMarkup } from "../../../src/upstream/documents/Markup.ts"
import { TextSink } from "../../../src/upstream/documents/ReadJob.ts"

const textOf = (source: string) => {
  const sink = new TextSink(1_000_000)
  htmlText(source, sink)
  return sink.finish()
}

describe("the text of a page", () => {
  it("has blocks on lines of their own and one space for white space", () => {
    assert.strictEqual(
      textOf("<title>T</title><h1>Head</h1><p>One\n   <b>two</b>, three<p>Four<br>five<div>six</div>seven"),
      "T\n\nHead\n\nOne two, three\n\nFour\nfive\nsix\nseven"
    )
  })

  it("marks list items and parts cells", () => {
    assert.strictEqual(
      textOf("<ul><li>a<li>b</ul><table><tr><th>x</th><th>y</th></tr><tr><td>1<td>2</table>"),
      "- a\n- b\nx\ty\n1\t2"
    )
  })

  it("leaves out scripts, styles, comments and what is drawn", () => {
    const source = `<!-- c --><SCRIPT>if (a < b) "</p>"</SCRIPT ><style>p{}</style><svg><text>s</text></svg>shown<!doctype x>`
    assert.strictEqual(textOf(source), "shown")
  })

  it("decodes entities, each once", () => {
    assert.strictEqual(textOf("<p>&lt;b&gt; &amp;amp; &eacute;&#x20AC;&hellip;"), "<b> &amp; é€…")
  })

  it("keeps the lines of pre", () => {
    assert.strictEqual(textOf("<p>a<pre>x\n  y</pre>b"), "a\n\nx\n  y\n\nb")
  })

  it("takes a sign that opens no tag as text, and quotes only as an attribute's value", () => {
    assert.strictEqual(
      textOf(`1 < 2 and <i title="a > b" data-x='>'>it</i>'s <p title=it's>5"`),
      `1 < 2 and it's\n\n5"`
    )
  })

  it("ends where a tag, a comment or a script never does", () => {
    for (const tail of ["<p class=", `<p class="x`, "<!-- ", "<script>x", "<![CDATA[", "<?"]) {
      assert.strictEqual(textOf(`text${tail}`), "text", tail)
    }
  })

  it("is whole where it is long, with no entity cut in two", () => {
    for (let before = 0; before < 8; before++) {
      const filler = "x".repeat(64 * 1024 - before)
      assert.strictEqual(textOf(`${filler}&amp;${filler}`), `${filler}&${filler}`)
    }
  })

  it.prop("is what was written, where nothing of it is markup", [Schema.String], ([text]) => {
    const plain = text.replaceAll(/[<&]/g, "")
    let read = ""
    readMarkup(plain, "html", { open: () => {}, close: () => {}, text: (text) => (read += text) })
    assert.strictEqual(read, plain)
  })

  it.prop("is read from whatever stands there", [Schema.Array(Schema.Literals(pieces()))], ([parts]) => {
    assert.isString(textOf(parts.join("")))
  })
})

describe("markup", () => {
  it("of XML gives names without their prefix, and text of CDATA as it stands", () => {
    const seen: Array<string> = []
    readMarkup(`<?xml version="1.0"?><w:A b:c='&quot;1&#50;'/><d>x&amp;<![CDATA[<&amp;]]></d>`, "xml", {
      open: (name, attributes) => seen.push(`<${name} ${attribute(attributes, "c")}>`),
      close: (name) => seen.push(`</${name}>`),
      text: (text) => seen.push(text)
    })
    assert.deepStrictEqual(seen, [`<A "12>`, "</A>", "<d null>", "x&", "<&amp;", "</d>"])
  })
})

function pieces() {
  return ["<", ">", "</", "/>", "<p", "<li>", "<td>", "<pre>", "</pre>", '="', "'", "<!--", "<script>", "&lt", "a", " "]
}
