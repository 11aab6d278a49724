// Questions for a book that come to nothing, and what breaks on a book's way out: the first is no
// answer, the second a fault that nobody keeps to himself.

import { expect, test } from 'vitest'
import { MarketFeed, type MarketFeedOptions } from '../../src/gateway/market-feed.ts'

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
