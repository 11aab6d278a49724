// A thousand buyers at once against money for one: exactly one may succeed, also when the exchange
// is killed in the middle.

import { setTimeout as delay } from 'node:timers/promises'
import { build, type Histogram } from 'hdr-histogram-js'
import { assert } from '../../src/lib/assert.ts'
import type { Target } from '../target.ts'
import type { Crowd, Reply } from './crowd.ts'

const BUYERS = 1_000
/** What is bought, and what it costs. */
export const RUSH = { symbol: 'RUSH-X', price: 100 } as const
/** A kill comes at any time until then: before the first command is taken in, or after the last. */
const KILL_MS_MAX = 60

export interface RushOptions {
  readonly rounds: number
  /** Rounds in which the exchange is killed; they are spread over all. */
  readonly kills: number
  /** Told of each round that is over. */
  readonly onRound?: (round: number) => void
}

export interface RushResult {
  readonly rounds: number
  readonly kills: number
  /** Questions that had to be asked again. */
  readonly repeated: number
  /** Milliseconds until the last answer, of rounds without a kill. */
  readonly wallMs: number[]
  /** Nanoseconds from the start of a round to an answer, of the same rounds. */
  readonly latency: Histogram
}

/** Runs the rounds; throws where one had not exactly one success, or its money is not right. */
export async function thousandBuys(
  crowd: Crowd,
  target: Target,
  { rounds, kills, onRound = () => {} }: RushOptions,
): Promise<RushResult> {
  const { killAndRestart } = target
  assert(kills === 0 || killAndRestart !== undefined, 'only an exchange of our own is killed')
  await prepareMarket(crowd)
  const wallMs: number[] = []
  const latency = build({ numberOfSignificantValueDigits: 3 })
  const every = kills === 0 ? Number.POSITIVE_INFINITY : Math.floor(rounds / kills)
  for (let round = 1; round <= rounds; round += 1) {
    const account = `rush-${process.pid}-${round}`
    await prepareAccount(crowd, account)
    const isKilled = round % every === 0
    const startMs = performance.now()
    const killed = isKilled ? delay(Math.random() * KILL_MS_MAX).then(killAndRestart) : undefined
    const nanos = new Float64Array(BUYERS)
    const replies = await Promise.all(
      Array.from({ length: BUYERS }, async (_, n) => {
        const subject = `onefill.v1.order.${account}.new`
        const reply = await crowd.ask(n % crowd.size, subject, buyOf(`b-${n}`))
        nanos[n] = (performance.now() - startMs) * 1e6
        return reply
      }),
    )
    if (!isKilled) {
      wallMs.push(performance.now() - startMs)
      for (const each of nanos) latency.recordValue(Math.round(each))
    }
    await killed
    await check(crowd, account, replies)
    onRound(round)
  }
  return { rounds, kills, repeated: crowd.repeated, wallMs, latency }
}

async function check(crowd: Crowd, account: string, replies: readonly Reply[]): Promise<void> {
  const accepted = replies.filter(({ execType }) => execType === 'new').length
  const codes = new Map<string, number>()
  for (const { code } of replies) {
    if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  const said = `${accepted} accepted, ${JSON.stringify([...codes])}`
  assert(accepted === 1, `${account}: exactly one is accepted: ${said}`)
  assert(codes.get('INSUFFICIENT_FUNDS') === BUYERS - 1, `${account}: the rest lack money: ${said}`)
  const query = await crowd.ask(0, `onefill.v1.query.${account}.balances`, {})
  const { balances } = query as { balances: { asset: string; available: string; held: string }[] }
  const money = balances.find(({ asset }) => asset === 'RUSH')
  const isRight = money?.available === '0' && money.held === String(RUSH.price)
  assert(isRight, `${account}: its money is held, none is left: ${JSON.stringify(balances)}`)
}

const buyOf = (clOrdId: string) => ({
  ...{ clOrdId, symbol: RUSH.symbol, side: 'buy', ordType: 'limit', price: String(RUSH.price) },
  ...{ orderQty: '1', timeInForce: 'GTC' },
})

/** The same again changes nothing. */
export async function prepareMarket(crowd: Crowd): Promise<void> {
  const units = { base: 'RUSH-X', quote: 'RUSH', tickSize: '1', lotSize: '1' }
  await crowd.ask(0, 'onefill.v1.admin.batch', [
    { cmd: 'asset', asset: 'RUSH', decimals: 0 },
    { cmd: 'asset', asset: 'RUSH-X', decimals: 0 },
    { cmd: 'instrument', symbol: RUSH.symbol, ...units },
  ])
}

/** An account with money for one. */
export async function prepareAccount(crowd: Crowd, account: string): Promise<void> {
  await crowd.ask(0, 'onefill.v1.admin.batch', [
    { cmd: 'account', account },
    // A thousand of the same are meant here.
    { cmd: 'limits', account, duplicateWindowMs: 'off', maxOrdersPerSecond: 'off' },
    { cmd: 'deposit', account, asset: 'RUSH', amount: String(RUSH.price), transferId: 'start' },
  ])
}
