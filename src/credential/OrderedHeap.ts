/**
 * OrderedHeap: values in an order of their own, of which the first is always at hand. A binary heap that knows where each
 * value stands, so that one whose order changed, or that goes, costs no more than the heap is deep.
 */

export class OrderedHeap<A extends object> {
  readonly #items: Array<A> = []
  readonly #places = new Map<A, number>()
  readonly #isBefore: (a: A, b: A) => boolean

  /** @param isBefore a total order; what it reads of a value changes only together with a call of {@link moved} */
  constructor(isBefore: (a: A, b: A) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  get first(): A | undefined {
    return this.#items[0]
  }

  has(item: A): boolean {
    return this.#places.has(item)
  }

  add(item: A): void {
    if (this.#places.has(item)) return this.moved(item)
    this.#put(item, this.#items.length)
    this.#rise(item)
  }

  remove(item: A): void {
    const place = this.#places.get(item)
    const last = this.#items.pop()
    if (place === undefined || last === undefined) {
      if (last !== undefined) this.#items.push(last)
      return
    }
    this.#places.delete(item)
    if (last === item) return
    this.#put(last, place)
    this.moved(last)
  }

  /** Puts a value where it now belongs. */
  moved(item: A): void {
    this.#rise(item)
    this.#sink(item)
  }

  /** Puts all values in order anew, where what the order reads has changed for many. */
  reorder(): void {
    const items = this.#items.splice(0)
    this.#places.clear()
    for (const item of items) this.add(item)
  }

  /** The first in order for which `is` holds; looks at no more than those before it and their neighbours. */
  find(is: (item: A) => boolean): A | undefined {
    for (const item of this) if (is(item)) return item
    return undefined
  }

  /** In order. The heap must not change meanwhile. */
  *[Symbol.iterator](): Generator<A, void> {
    if (this.#items.length === 0) return
    const reached = [0]
    for (;;) {
      let best = 0
      for (let n = 1; n < reached.length; n++) if (this.#precedes(reached[n], reached[best])) best = n
      const [place] = reached.splice(best, 1)
      const item = place === undefined ? undefined : this.#items[place]
      if (place === undefined || item === undefined) return
      yield item
      for (const child of [2 * place + 1, 2 * place + 2]) if (child < this.#items.length) reached.push(child)
    }
  }

  #precedes(a: number | undefined, b: number | undefined): boolean {
    const one = this.#items[a ?? -1]
    const other = this.#items[b ?? -1]
    return one !== undefined && other !== undefined && this.#isBefore(one, other)
  }

  #put(item: A, place: number): void {
    this.#items[place] = item
    this.#places.set(item, place)
  }

  #rise(item: A): void {
    let place = this.#places.get(item) ?? 0
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#items[above]
      if (parent === undefined || !this.#isBefore(item, parent)) return
      this.#put(parent, place)
      this.#put(item, above)
      place = above
    }
  }

  #sink(item: A): void {
    let place = this.#places.get(item) ?? 0
    for (;;) {
      const left = 2 * place + 1
      const below = this.#precedes(left + 1, left) ? left + 1 : left
      const child = this.#items[below]
      if (child === undefined || !this.#isBefore(child, item)) return
      this.#put(child, place)
      this.#put(item, below)
      place = below
    }
  }
}
