// Two scenarios, each proven right or wrong before its time counts.

import { assert } from '../../src/lib/assert.ts'
import type { Cost, Meter } from './cost.ts'
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
  /** What it cost the database; undefined where nobody looked. */
  readonly cost: Cost | undefined
}

/** Orders that have had a number: none comes twice, whatever the way. */
let orders = 0

/** So many orders at once against money for `affordable` of them; all out of one account. */
export async function rush(
  way: Way,
  meter: Meter | undefined,
  buyers: number,
  affordable: number,
): Promise<Run> {
  await way.prepare(1, affordable * PRICE)
  const ids = Array.from({ length: buyers }, () => idOfNext())
  const nanos = new Float64Array(buyers)
  let ms = 0
  const { result: outcomes, cost } = await metered(meter, async () => {
    const startMs = performance.now()
    const all = await Promise.all(
      ids.map(async (id, n) => {
        const accepted = await way.buy(0, id)
        nanos[n] = (performance.now() - startMs) * 1e6
        return accepted
      }),
    )
    ms = performance.now() - startMs
    return all
  })
  const accepted = outcomes.filter(Boolean).length
  const beyond = Math.abs(accepted - Math.min(buyers, affordable))
  const wrong = Math.max(beyond, await wrongIn(way, affordable * PRICE, accepted))
  return { ms, nanos, accepted, refused: buyers - accepted, ...way.counts, wrong, cost }
}

/**
 * For `seconds`, so many clients each ask for one order after another, with money for all, out of
 * one account or of many in turn.
 */
export async function flow(
  way: Way,
  { clients, accounts, seconds }: { clients: number; accounts: number; seconds: number },
  meter?: Meter,
): Promise<Run> {
  const money = 1e12
  await way.prepare(accounts, money)
  const nanos: number[] = []
  let accepted = 0
  let asked = 0
  let startMs = 0
  const client = async () => {
    for (;;) {
      const askedMs = performance.now()
      if (askedMs - startMs >= seconds * 1_000) return
      asked += 1
      if (await way.buy(asked % accounts, idOfNext())) accepted += 1
      nanos.push((performance.now() - askedMs) * 1e6)
    }
  }
  const { result: ms, cost } = await metered(meter, async () => {
    startMs = performance.now()
    await Promise.all(Array.from({ length: clients }, client))
    return performance.now() - startMs
  })
  const wrong = await wrongIn(way, money * accounts, accepted)
  assert(accepted === asked, 'with money for all, all are accepted')
  return { ms, nanos: Float64Array.from(nanos), accepted, refused: 0, ...way.counts, wrong, cost }
}

async function metered<T>(meter: Meter | undefined, work: () => Promise<T>) {
  return meter === undefined ? { result: await work(), cost: undefined } : meter.during(work)
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
