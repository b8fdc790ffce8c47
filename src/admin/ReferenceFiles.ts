/**
 * What the browser loads for the reference page. The script only ever sets text, never markup.
 */

export const script = `"use strict"

const element = (name, attributes, ...children) => {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/** Puts what a $ref names in its place, to a depth at which people stop reading. */
const resolve = (document, schema, depth = 0) => {
  if (typeof schema !== "object" || schema === null) return schema
  if (Array.isArray(schema)) return schema.map((item) => resolve(document, item, depth))
  if (typeof schema.$ref === "string" && depth < 8) {
    const found = schema.$ref.split("/").slice(1).reduce((at, key) => at?.[key], document)
    return resolve(document, found, depth + 1)
  }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolve(document, value, depth)]))
}

const shape = (document, content) =>
  Object.entries(content ?? {}).map(([type, { schema }]) =>
    element(
      "details",
      {},
      element("summary", {}, type),
      element("pre", {}, JSON.stringify(resolve(document, schema), null, 2))
    )
  )

const parameters = (document, list) =>
  list.length === 0
    ? []
    : [
        element("h4", {}, "Parameters"),
        element(
          "dl",
          {},
          ...list.flatMap(({ description, in: place, name, required, schema }) => [
            element("dt", {}, element("code", {}, name), " in " + place + (required ? ", required" : "")),
            element("dd", {}, description ?? resolve(document, schema)?.description ?? "")
          ])
        )
      ]

const operation = (document, path, method, { description, parameters: list, requestBody, responses, summary }) =>
  element(
    "section",
    {},
    element("h3", {}, element("code", {}, method.toUpperCase() + " " + path)),
    element("p", {}, [summary, description].filter(Boolean).join(". ")),
    ...parameters(document, list ?? []),
    ...(requestBody ? [element("h4", {}, "Body"), ...shape(document, requestBody.content)] : []),
    element("h4", {}, "Answers"),
    ...Object.entries(responses ?? {}).flatMap(([status, response]) => [
      element("p", {}, element("code", {}, status), " " + (response.description ?? "")),
      ...shape(document, response.content)
    ])
  )

const show = (document) => [
  element("h1", {}, document.info.title),
  element("p", {}, document.info.description ?? ""),
  ...Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => operation(document, path, method, described))
  )
]

const load = async () => {
  const response = await fetch("openapi.json")
  if (!response.ok) throw new Error("openapi.json: " + response.status)
  return response.json()
}

const main = document.getElementById("reference")
load().then(
  (described) => main.prepend(...show(described)),
  (error) => main.prepend(element("p", { role: "alert" }, String(error)))
)
`

export const style = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
section { border-top: 1px solid GrayText; margin-top: 1.5rem }
code, pre { font: 0.9em ui-monospace, monospace }
pre { overflow: auto; max-height: 30rem; padding: 0.5rem; border: 1px solid GrayText }
dd { margin: 0 0 0.5rem 1rem }
`
