import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { anyNeed } from "../../src/credential/Eligibility.ts"
import { PermitQueue, Ticket } from "../../src/credential/PermitQueue.ts"

const limit = 6

const ask = (client: string) => new Ticket<string, never>({ ...anyNeed, client }, null)

/** Lets one of each letter join, where there is room. */
const queueOf = (clients: string) => {
  const queue = new PermitQueue<string, never>()
  const names = new Map<Ticket<string, never>, string>()
  const refused: Array<string> = []
  for (const [n, client] of [...clients].entries()) {
    const ticket = ask(client)
    names.set(ticket, `${client}${n}`)
    if (!queue.hasRoom(client, limit)) refused.push(`${client}${n}`)
    else for (const gone of queue.join(ticket, limit)) refused.push(names.get(gone) ?? "")
  }
  const waiting = () => Array.from(queue, (ticket) => names.get(ticket) ?? "")
  return { queue, refused, waiting }
}

describe("PermitQueue", () => {
  it("goes round between clients, and by arrival within one", () => {
    assert.deepStrictEqual(queueOf("aaabbc").waiting(), ["a0", "b3", "c5", "a1", "b4", "a2"])
  })

  it("gives the next turn to another client after one was served", () => {
    const { queue, waiting } = queueOf("aabb")
    const [first] = queue
    assert.isDefined(first)
    queue.served(first)
    assert.deepStrictEqual(waiting(), ["b2", "a1", "b3"])
  })

  it("lets one client fill it while nobody else waits, and takes half of it back for who comes", () => {
    const { refused, waiting } = queueOf("aaaaaaab")
    assert.deepStrictEqual(refused, ["a6", "a3", "a4", "a5"])
    assert.deepStrictEqual(waiting(), ["a0", "b7", "a1", "a2"])
  })

  const Client = Schema.Literals(["a", "b", "c", "d", "e"])
  it.prop("is bounded, and no client has more than half while others wait", [Schema.Array(Client)], ([clients]) => {
    const { queue, refused, waiting } = queueOf(clients.join(""))
    assert.isAtMost(queue.length, limit)
    assert.strictEqual(queue.length + refused.length, clients.length)
    const names = waiting().map((name) => name[0])
    if (new Set(names).size < 2) return
    for (const client of new Set(names)) assert.isAtMost(names.filter((name) => name === client).length, limit / 2)
  })
})
