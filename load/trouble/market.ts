// The market that the scenarios of trouble trade in, and who trades.

import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { assert } from '../../src/lib/assert.ts'
import type { HttpTrader, HttpTraders } from '../../test/support/http-traders.ts'
import { Crowd } from '../nats/crowd.ts'
import { prepare } from '../nats/open-loop.ts'
import { type HttpTarget, openOwnTarget } from '../target.ts'

/** Symbols of the market, `S0` on. */
const SYMBOLS = 8
/** Traders besides the attacker. */
export const OTHERS = 20
export const ATTACKER = 'trader-62'

/** An exchange of our own with the market in it; `flags` are more of `onefill serve`'s. */
export async function openMarket(flags: readonly string[]): Promise<HttpTarget> {
  const target = await openOwnTarget(flags)
  const crowd = await Crowd.open(target.natsUrl, 1)
  await prepare(crowd)
  await crowd.close()
  return target
}

/** Where a trader trades. */
export const symbolOf = (account: string): string =>
  `S${(Number(account.slice('trader-'.length)) >> 1) % SYMBOLS}`

/** So many of the market's traders, from the first on, or the one of that name. */
export function tradersOf(target: HttpTarget, count: number, name?: string): Promise<HttpTrader[]> {
  const traders = Array.from({ length: count }, async (_, n) => {
    const account = name ?? `trader-${n * 2}`
    return { account, token: await target.token(account), symbol: symbolOf(account) }
  })
  return Promise.all(traders)
}

/** So many answers of each status, and no other. */
export function assertAnswers(
  who: string,
  { statuses }: HttpTraders,
  wanted: Readonly<Record<number, number>>,
): void {
  const told = Object.fromEntries(statuses)
  assert(
    isDeepStrictEqual(told, wanted),
    `${who}, answers: ${inWords(told)}, not ${inWords(wanted)}`,
  )
}

const inWords = (counts: Readonly<Record<number, number>>): string =>
  Object.entries(counts)
    .map(([status, count]) => `${status} ${count} times`)
    .join(', ')

/** What is waited for comes within so long, in ms. */
const PATIENCE_MS = 60_000

/** What `/readyz` says. */
export async function statusOf(
  target: HttpTarget,
): Promise<{ status: string; degraded: readonly string[] }> {
  const response = await fetch(`${target.httpUrl}/readyz`)
  return (await response.json()) as { status: string; degraded: string[] }
}

/** Waits until `/readyz` says so. */
export function becomes(target: HttpTarget, ...wanted: string[]): Promise<void> {
  return until(`/readyz says ${wanted.join(' ')}`, async () => {
    const { status, degraded } = await statusOf(target)
    return [status, ...degraded].join(' ') === wanted.join(' ')
  })
}

/** Waits until it holds; throws if it does not within a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    assert(performance.now() < endMs, what)
    await delay(20)
  }
}
