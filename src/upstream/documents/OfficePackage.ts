/**
 * OfficePackage: the parts of a docx or xlsx file and how they refer to one another.
 *
 * **Source:** ECMA-376 part 2 (Open Packaging Conventions), section 6.5 relationships.
 */
import { attribute, type MarkupHandler, readMarkup } from "./Markup.ts"
import { ZipArchive } from "./ZipArchive.ts"

/** From one part to another. */
export interface Relation {
  readonly id: string
  /** The last word of the type's address, such as `worksheet`. */
  readonly type: string
  /** The other part's name in the package. */
  readonly target: string
}

/** Most relations of a part: some for each of the most sheets that anyone makes. */
const maxRelations = 10_000

export class OfficePackage {
  readonly #archive: ZipArchive

  constructor(bytes: Uint8Array, maxInflatedBytes: number) {
    this.#archive = new ZipArchive(bytes, maxInflatedBytes)
  }

  /** The name of the part that is the document itself. */
  main(): string {
    const main = this.relations("").find(({ type }) => type === "officeDocument")
    if (main === undefined) throw new RangeError("the package has no main part")
    return main.target
  }

  /** Those that start at this part; at the package itself where the name is empty. */
  relations(part: string): ReadonlyArray<Relation> {
    const folder = part.slice(0, part.lastIndexOf("/") + 1)
    const relations: Array<Relation> = []
    this.read(`${folder}_rels/${part.slice(folder.length)}.rels`, {
      open: (name, attributes) => {
        if (name !== "Relationship" || attribute(attributes, "TargetMode") === "External") return
        if (relations.length >= maxRelations) throw new RangeError("too many relations")
        const target = new URL(attribute(attributes, "Target") ?? "", `part:///${folder}`).pathname.slice(1)
        const type = attribute(attributes, "Type") ?? ""
        relations.push({
          id: attribute(attributes, "Id") ?? "",
          type: type.slice(type.lastIndexOf("/") + 1),
          target: decodeURIComponent(target)
        })
      },
      close: () => {},
      text: () => {}
    })
    return relations
  }

  /** Reads a part as XML; false where there is none of this name. */
  read(part: string, handler: MarkupHandler): boolean {
    const bytes = this.#archive.read(part)
    if (bytes === null) return false
    readMarkup(new TextDecoder("utf-8", { fatal: true }).decode(bytes), "xml", handler)
    return true
  }
}
