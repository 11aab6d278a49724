// The ring's races, one by one: whatever either side does is interrupted by all of what the other
// does, before each of its steps on shared memory in turn. Nobody may sleep through what it waits
// for, and closing may hide nothing. One thread, so the outcome is the same every time.

import { describe, expect, test } from 'vitest'
import { EMPTY, type RingConsumer, type RingProducer } from '../../src/actors/ring.ts'
import { consumerOf, makeWire, producerOf } from '../support/ring-wires.ts'

class Sleeps extends Error {}

const STEPS = ['load', 'store', 'compareExchange', 'notify', 'wait'] as const
const CAPACITY = 4

/** Two ends; `filled` records are published, and none released. */
function ends(filled: number): { producer: RingProducer; consumer: RingConsumer } {
  const wire = makeWire(CAPACITY)
  const [producer, consumer] = [producerOf(wire), consumerOf(wire)]
  for (let count = 0; count < filled; count += 1) producer.claim()
  producer.publish()
  return { producer, consumer }
}
type Ends = ReturnType<typeof ends>

const send = ({ producer }: Ends): void => {
  producer.claim()
  producer.publish()
}
const takeAll = ({ consumer }: Ends): void => {
  consumer.available()
  while (consumer.next() !== EMPTY) {}
  consumer.release()
}

/** Does `first`, and `second` before its step number `at`; false if it has no such step. */
function interrupted(at: number, first: () => void, second: () => void): boolean {
  const real = { ...Object.fromEntries(STEPS.map((name) => [name, Atomics[name]])) }
  let step = 0
  let isAsleep = false
  const attempt = (action: () => void): void => {
    try {
      action()
    } catch (error) {
      if (!(error instanceof Sleeps)) throw error
      isAsleep = true
    }
  }
  for (const name of STEPS) {
    const stepped = (words: Int32Array, word: number, ...rest: number[]): unknown => {
      step += 1
      if (step === at) attempt(second)
      if (name === 'notify') isAsleep = false
      if (name === 'notify') return 0
      if (name !== 'wait') return Reflect.apply(real[name], Atomics, [words, word, ...rest])
      // A thread asleep does nothing more: it is left where it is.
      if (words[word] === rest[0]) throw new Sleeps()
      return 'not-equal'
    }
    Object.assign(Atomics, { [name]: stepped })
  }
  try {
    attempt(first)
  } finally {
    Object.assign(Atomics, real)
  }
  sleeping = isAsleep
  return step >= at
}
/** Whether the last that was interrupted left a side asleep. */
let sleeping = false

/** What one side waits for, and what the other does about it. */
const RACES = {
  'records, and they come': [0, 'consumer', send],
  'records, and the producer closes': [0, 'consumer', ({ producer }) => producer.close()],
  'room, and it comes': [CAPACITY, 'producer', takeAll],
  'room, and the consumer closes': [CAPACITY, 'producer', ({ consumer }) => consumer.close()],
} satisfies Record<string, [number, 'consumer' | 'producer', (both: Ends) => void]>

describe.each(Object.entries(RACES))('one waits for %s', (_, [filled, waiter, act]) => {
  test.each([0, 1, 2])('after %i spins', (spins) => {
    for (const order of ['waiter interrupted', 'waiter interrupts']) {
      for (let at = 1; ; at += 1) {
        const both = ends(filled)
        const wait = (): void => {
          if (waiter === 'consumer') both.consumer.wait(Infinity, spins)
          else both.producer.waitForRoom(2, Infinity, spins)
        }
        const doAct = (): void => act(both)
        const [first, second] = order === 'waiter interrupted' ? [wait, doAct] : [doAct, wait]
        if (!interrupted(at, first, second)) {
          expect(at).toBeGreaterThan(2) // there were steps to interrupt
          break
        }
        expect([order, at, sleeping]).toEqual([order, at, false])
      }
    }
  })
})

test('what is published before closing is seen before CLOSED', () => {
  for (let at = 1; ; at += 1) {
    const both = ends(0)
    let count = 0
    const look = (): void => {
      count = both.consumer.available()
    }
    const sendAndClose = (): void => {
      send(both)
      both.producer.close()
    }
    if (!interrupted(at, look, sendAndClose)) break
    // Either it saw the record, or it saw nothing and no end, and sees the record now.
    expect([0, 1]).toContain(count)
    expect(both.consumer.available()).toBe(1)
  }
})
