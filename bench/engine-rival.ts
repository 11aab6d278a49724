// The same orders for nodejs-order-book: a book a symbol, no accounts, no balances, no ids of
// replaces. Its calls are made beforehand, outside what is timed.

import { type LimitOrderOptions, OrderBook as Rival, Side } from 'nodejs-order-book'
import { unpackId } from '../src/protocol/client-id.ts'
import { CM, CMF, COMMAND_WORDS, CommandKind } from '../src/protocol/command-log.ts'
import type { EngineFlow } from './engine-flow.ts'

interface Call {
  readonly kind: number
  readonly symbol: number
  readonly id: string
  readonly options: LimitOrderOptions
}

/** Calls for the commands of a flow from the first to `to - 1`. */
export function rivalCalls(flow: EngineFlow, to: number): Call[] {
  const i32 = flow.words
  const f64 = new Float64Array(i32.buffer)
  const ids = new Map<string, { id: string; side: Side }>()
  const calls: Call[] = []
  for (let at = 0; at < to * COMMAND_WORDS; at += COMMAND_WORDS) {
    const kind = i32[at + CM.kind]
    const symbol = i32[at + CM.symbol]
    const name = unpackId(i32, at + CM.id)
    if (kind === CommandKind.new) {
      ids.set(name, { id: name, side: (i32[at + CM.flags] & 1) === 0 ? Side.BUY : Side.SELL })
    }
    const { id, side } = ids.get(kind === CommandKind.new ? name : unpackId(i32, at + CM.orig)) as {
      id: string
      side: Side
    }
    // It keeps an order's id over a replace.
    if (kind === CommandKind.replace) ids.set(name, { id, side })
    const timeInForce = ((i32[at + CM.flags] >> 2) & 3) === 0 ? 'GTC' : 'IOC'
    const price = f64[(at >> 1) + CMF.priceTicks]
    const size = f64[(at >> 1) + CMF.qtyLots]
    const options = { id, side, price, size, timeInForce } as LimitOrderOptions
    calls.push({ kind, symbol, id, options })
  }
  return calls
}

/**
 * Runs the calls; times those from `from` on. `resting` tells runs apart: numbers in all its
 * depths.
 */
export function runRival(
  calls: Call[],
  symbols: number,
  from: number,
): { seconds: number; resting: number } {
  const books = Array.from({ length: symbols + 1 }, () => new Rival())
  let start = performance.now()
  for (let at = 0; at < calls.length; at += 1) {
    if (at === from) start = performance.now()
    const { kind, symbol, id, options } = calls[at]
    if (kind === CommandKind.new) books[symbol].limit(options)
    else if (kind === CommandKind.cancel) books[symbol].cancel(id)
    else books[symbol].modify(id, options)
  }
  const seconds = (performance.now() - start) / 1_000
  const depths = books.flatMap((book) => book.depth().flat(2) as number[])
  return { seconds, resting: depths.length }
}
