// Two scenarios, each proven right or wrong before its time counts.

import { assert } from '../../src/lib/assert.ts'
import { PRICE, type Way } from './way.ts'

/** What came of one run. */
export interface Run {
  readonly ms: number
  /** Of each order, from when it was asked for to its answer. */
  readonly nanos: Float64Array
  readonly accepted: number
  readonly refused: number
  readonly retries: number
  readonly deadlocks: number
  /** Orders accepted beyond what the money was for, not paid for, or not there. */
  readonly wrong: number
}

/** Orders that have had a number: none comes twice, whatever the way. */
let orders = 0

/** So many orders at once against money for `affordable` of them; all out of one account. */
export async function rush(way: Way, buyers: number, affordable: number): Promise<Run> {
  await way.prepare(1, affordable * PRICE)
  const ids = Array.from({ length: buyers }, () => idOfNext())
  const nanos = new Float64Array(buyers)
  const startMs = performance.now()
  const outcomes = await Promise.all(
    ids.map(async (id, n) => {
      const accepted = await way.buy(0, id)
      nanos[n] = (performance.now() - startMs) * 1e6
      return accepted
    }),
  )
  const ms = performance.now() - startMs
  const accepted = outcomes.filter(Boolean).length
  const beyond = Math.abs(accepted - Math.min(buyers, affordable))
  const wrong = Math.max(beyond, await wrongIn(way, affordable * PRICE, accepted))
  return { ms, nanos, accepted, refused: buyers - accepted, ...way.counts, wrong }
}

/**
 * For `seconds`, so many clients each ask for one order after another, with money for all, out of
 * one account or of many in turn.
 */
export async function flow(
  way: Way,
  { clients, accounts, seconds }: { clients: number; accounts: number; seconds: number },
): Promise<Run> {
  const money = 1e12
  await way.prepare(accounts, money)
  const nanos: number[] = []
  let accepted = 0
  let asked = 0
  const startMs = performance.now()
  const client = async () => {
    for (;;) {
      const askedMs = performance.now()
      if (askedMs - startMs >= seconds * 1_000) return
      asked += 1
      if (await way.buy(asked % accounts, idOfNext())) accepted += 1
      nanos.push((performance.now() - askedMs) * 1e6)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const ms = performance.now() - startMs
  const wrong = await wrongIn(way, money * accounts, accepted)
  assert(accepted === asked, 'with money for all, all are accepted')
  return { ms, nanos: Float64Array.from(nanos), accepted, refused: 0, ...way.counts, wrong }
}

/** What the money that is left, and the orders there are, say of those that were accepted. */
async function wrongIn(way: Way, money: number, accepted: number): Promise<number> {
  const { available, least, orders } = await way.audit()
  const unpaid = Math.abs(accepted - (money - available) / PRICE)
  const missing = Math.abs(accepted - orders)
  return Math.max(unpaid, missing, least < 0 ? 1 : 0)
}

function idOfNext(): string {
  orders += 1
  return `o-${orders}`
}
