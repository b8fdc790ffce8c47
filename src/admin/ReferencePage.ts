/**
 * ReferencePage: the page that reads `openapi.json` to an operator. Script and style are files of their own, so that the
 * page holds under a policy without inline code or foreign hosts. All paths are relative: a proxy may add a prefix.
 */
import { Effect, type Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { script, style } from "./ReferenceFiles.ts"

/** The page and its files. They are the same on every gateway, so they ask for no key. */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.use((router) =>
  Effect.all(
    [
      router.add("GET", "/api/admin/docs", file("text/html", html)),
      router.add("GET", "/api/admin/docs/reference.js", file("text/javascript", script)),
      router.add("GET", "/api/admin/docs/reference.css", file("text/css", style))
    ],
    { discard: true }
  )
)

const file = (type: string, text: string) =>
  Effect.succeed(HttpServerResponse.text(text, { contentType: `${type}; charset=utf-8` }))

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Weir admin API</title>
    <link rel="stylesheet" href="docs/reference.css">
    <script src="docs/reference.js" defer></script>
  </head>
  <body>
    <main id="reference">
      <p>The same as <a href="openapi.json">openapi.json</a>, for people.</p>
    </main>
  </body>
</html>
`
