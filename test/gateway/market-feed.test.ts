// Questions for a book that come to nothing, and what breaks on a book's way out: the first is no
// answer, the second a fault that nobody keeps to himself.

import { expect, test } from 'vitest'
import { MarketFeed, type MarketFeedOptions } from '../../src/gateway/market-feed.ts'
import { MarketStream } from '../../src/gateway/market-stream.ts'
import type { Reports } from '../../src/protocol/reports.ts'

const BOOK = { query: 'book', seq: 1, symbol: 'XUSD', bids: [], asks: [] } as const

const feedOf = (query: MarketFeedOptions['query']) =>
  new MarketFeed({
    query,
    onFault(error) {
      throw error
    },
  })

test('whose exchange stops meanwhile is not answered', async () => {
  const gone = feedOf(() => Promise.reject(new Error('nobody leads here any more')))
  expect(await gone.snapshot('XUSD')).toBeUndefined()
  expect(await feedOf(() => undefined).snapshot('XUSD')).toBeUndefined()
})

test('what a taker throws reaches all who have asked', async () => {
  const feed = feedOf(async () => ({ ...BOOK, bids: [], asks: [] }))
  const fault = new Error('a taker that breaks')
  feed.addTaker(() => {
    throw fault
  })
  const asked = [feed.snapshot('XUSD'), feed.snapshot('XUSD')]
  const settled = await Promise.allSettled(asked)
  expect(settled).toEqual(Array(2).fill({ status: 'rejected', reason: fault }))
})

/** A report by which the symbol's book has changed, as far as it is looked at. */
const bookChanged = () =>
  ({
    ...{ length: 1, log: { i32: new Int32Array(64) } },
    ...{ changesBook: () => true, isTakersFill: () => false },
    names: { instrumentOf: () => ({ symbol: 'XUSD' }) },
  }) as unknown as Reports

test('a question for a book that breaks is a fault, and keeps nobody waiting', async () => {
  const faults: unknown[] = []
  const fault = new Error('an exchange that breaks')
  const feed = new MarketFeed({
    query() {
      throw fault
    },
    onFault: (error) => faults.push(error),
  })
  feed.take(bookChanged())
  await feed.finish()
  expect(faults).toEqual([fault])
})

test('what could not be sent is sent whole once it can be: the book, and its best', async () => {
  let seq = 0
  const feed = feedOf(async () => {
    seq += 1
    return { ...BOOK, seq, bids: [{ price: String(seq), qty: '1', orders: 1 }], asks: [] }
  })
  const sent: [string, object][] = []
  let hasRoom = true
  const send = (subject: string, bytes: Uint8Array) => {
    if (hasRoom) sent.push([subject.slice('onefill.v1.md.'.length), JSON.parse(String(bytes))])
    return hasRoom
  }
  const stream = new MarketStream(feed, { send }, 'json')
  await feed.snapshot('XUSD')
  expect(sent.splice(0).map(([feed]) => feed)).toEqual(['XUSD.depth', 'XUSD.bbo'])
  hasRoom = false
  feed.take(bookChanged())
  await feed.finish()
  // Still no room: nothing is forgotten.
  stream.catchUp()
  expect(sent).toEqual([])
  hasRoom = true
  stream.catchUp()
  expect(sent.splice(0)).toMatchObject([
    ['XUSD.depth', { type: 'snapshot', feedSeq: 2, seq: 2, bids: [{ price: '2' }] }],
    ['XUSD.bbo', { feedSeq: 2, seq: 2, bid: { price: '2' } }],
  ])
  stream.catchUp()
  expect(sent).toEqual([])
})
