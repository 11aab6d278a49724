// A binary command back to JSON: what it gives decodes to the same words, for every kind.

import { expect, test } from 'vitest'
import { COMMAND_NAMES, COMMAND_WORDS, CommandLog } from '../../src/protocol/command-log.ts'
import { findFormFault } from '../../src/protocol/command-schema.ts'
import { decode } from '../../src/protocol/decode.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { encodeCommand } from '../../src/protocol/encode-command.ts'
import { learn } from '../../src/protocol/learn.ts'
import { contentOf, decodeRounds, SMALL_DAY } from '../support/journal-rows.ts'
import { randomJournal } from '../support/journals.ts'

/** There and back; the kinds that were met. */
function roundTrip(logs: readonly CommandLog[]): Set<string> {
  const kinds = new Set<string>()
  const names = new Directory()
  const again = new Directory()
  for (const log of logs) {
    learn(names, log)
    const copy = new CommandLog()
    for (let number = 0; number < log.count; number += 1) {
      const text = JSON.stringify(encodeCommand(log, number, names))
      const refusal = decode(JSON.parse(text), again, copy)
      expect([text, refusal]).toEqual([text, undefined])
      kinds.add(COMMAND_NAMES[log.i32[number * COMMAND_WORDS]])
    }
    copy.stamp(log.f64[14])
    expect(contentOf(copy)).toEqual(contentOf(log))
  }
  return kinds
}

test('random journals, which have every kind, come back word for word', () => {
  const kinds = new Set<string>()
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { rounds } = randomJournal(seed, 6_000, 200)
    for (const kind of roundTrip(decodeRounds(rounds))) kinds.add(kind)
  }
  expect(kinds).toEqual(new Set(COMMAND_NAMES.slice(1)))
})

test('a day with every kind comes back', () => {
  expect(roundTrip(decodeRounds(SMALL_DAY))).toEqual(new Set(COMMAND_NAMES.slice(1)))
})

test('the ends of what a command can say', () => {
  const asset = (name: string, decimals: number) => ({ cmd: 'asset', asset: name, decimals })
  const dust = `0.${'0'.repeat(11)}1`
  const pair = { base: 'B', quote: 'Q', tickSize: '0.0005', lotSize: '0.02' }
  const order = { cmd: 'new', account: 'a', symbol: 'BQ', side: 'sell', orderQty: '0.02' }
  const commands = [
    ...[asset('Q', 12), asset('B', 2), asset('W', 0), { cmd: 'account', account: 'a' }],
    {
      ...{ cmd: 'instrument', symbol: 'BQ', ...pair, makerFeeRate: '-0.0000001' },
      ...{ takerFeeRate: '0.9999999', minQty: '0.04', maxQty: '10', minNotional: dust },
      ...{ maxNotional: '9007.199254740991', minPrice: '0.0005', maxPrice: '99.5' },
      referencePrice: '2',
    },
    { cmd: 'instrument', symbol: 'WQ', base: 'W', quote: 'Q', tickSize: '10', lotSize: '50' },
    { cmd: 'deposit', account: 'a', asset: 'Q', amount: dust, transferId: '!"\\~' },
    { ...order, clOrdId: 'x'.repeat(36), ordType: 'limit', price: '0.0005', postOnly: true },
    { ...order, clOrdId: '~', ordType: 'market', timeInForce: 'FOK', reduceOnly: true },
    { ...order, clOrdId: '{', ordType: 'limit', price: '7', selfTradePrevention: 'decrement' },
    { cmd: 'cancel', account: 'a', symbol: 'BQ', orderId: '9007199254740991' },
    { cmd: 'limits', tradingHours: '23:59-00:00', duplicateWindowMs: 0, maxDailyLoss: '0' },
    { cmd: 'limits', account: 'a', symbol: 'BQ', reduceOnly: null, tradingAllowed: 'off' },
    { cmd: 'limits', tradingAllowed: false, reduceOnly: true, priceDeviation: '0.000001' },
    { cmd: 'time', now: '1970-01-01T00:00:00.001Z' },
    { cmd: 'time', now: '9999-12-31T23:59:59.999Z' },
  ]
  for (const command of commands) expect(findFormFault(command)).toBeUndefined()
  const [log] = decodeRounds([commands])
  expect(log.count).toBe(commands.length)
  roundTrip([log])
})
