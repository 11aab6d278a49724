// When a leader is taken for dead: only after a silence that was listened to from end to end.

import { expect, test } from 'vitest'
import { LeaseWatch } from '../../src/durable/lease-watch.ts'

const lease = (beatAtMs: number, holder = 'a') => ({
  ...{ market: 'm', term: 1, holder, beatAtMs, ageMs: 0, publishedRound: 0 },
})

/** Looks every 25 ms from one time to another; whether the lease was free at the end. */
function look(watch: LeaseWatch, fromMs: number, toMs: number, beatAtMs = 1): boolean {
  let isFree = false
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 25) isFree = watch.isFree(lease(beatAtMs), nowMs)
  return isFree
}

test('free after a whole silence, not before', () => {
  const watch = new LeaseWatch(500)
  expect(look(watch, 1_000, 1_475)).toBe(false)
  expect(look(watch, 1_500, 1_500)).toBe(true)
  expect(watch.hasBeat).toBe(false)
})

test('a sign of life, another term, begin the silence anew', () => {
  const watch = new LeaseWatch(500)
  look(watch, 1_000, 1_400)
  expect(look(watch, 1_425, 1_900, 2)).toBe(false)
  expect(watch.hasBeat).toBe(true)
  expect(watch.isFree({ ...lease(2), term: 2 }, 1_925)).toBe(false)
})

test('who looked away begins anew: stopped itself, or the database away', () => {
  const stopped = new LeaseWatch(500)
  look(stopped, 1_000, 1_400)
  expect(stopped.isFree(lease(1), 1_700)).toBe(false)
  const away = new LeaseWatch(500)
  look(away, 1_000, 1_400)
  away.isBlinded()
  expect(look(away, 1_500, 1_975)).toBe(false)
  expect(look(away, 2_000, 2_000)).toBe(true)
})

test('given back: at once', () => {
  expect(new LeaseWatch(500).isFree(lease(1, ''), 1_000)).toBe(true)
})
