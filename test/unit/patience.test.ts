// What goes and comes is waited for as long as it was said, each time it goes.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { giveUpAfter } from '../../src/cli/patience.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('it is given up once it was away for so long, whenever that began', () => {
  let isThere = true
  const giveUp = vi.fn()
  giveUpAfter(10_000, { isThere: () => isThere, giveUp })
  vi.advanceTimersByTime(60_000)
  isThere = false
  vi.advanceTimersByTime(9_900)
  // Back for a moment: what waits for it goes on, so the patience is whole again.
  isThere = true
  vi.advanceTimersByTime(100)
  isThere = false
  vi.advanceTimersByTime(9_900)
  expect(giveUp).not.toHaveBeenCalled()
  vi.advanceTimersByTime(60_000)
  expect(giveUp).toHaveBeenCalledTimes(1)
})

test('who has what it waited for looks no more', () => {
  const giveUp = vi.fn()
  const end = giveUpAfter(10_000, { isThere: () => false, giveUp })
  vi.advanceTimersByTime(5_000)
  end()
  vi.advanceTimersByTime(60_000)
  expect(giveUp).not.toHaveBeenCalled()
})
