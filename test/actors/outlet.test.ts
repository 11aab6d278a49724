// What finds no room in a ring waits in order, and what was sent is not kept.

import { expect, test } from 'vitest'
import { createDoorbell, Doorbell } from '../../src/actors/doorbell.ts'
import { Outlet } from '../../src/actors/outlet.ts'
import { createRing, RingConsumer, RingProducer } from '../../src/actors/ring.ts'
import type { RecordLog } from '../../src/lib/record-log.ts'
import { Prng } from '../support/prng.ts'

const WORDS = 8

function pair(capacity: number): { outlet: Outlet; consumer: RingConsumer; kept: RecordLog } {
  const memory = createRing({ words: WORDS, capacity })
  const bells = {
    producer: new Doorbell(createDoorbell()),
    consumer: new Doorbell(createDoorbell()),
  }
  const outlet = new Outlet(new RingProducer(memory, bells))
  const kept = (outlet as unknown as { waiting: RecordLog }).waiting
  return { outlet, consumer: new RingConsumer(memory, bells), kept }
}

/** Takes up to `max` records; their first words. */
function take(consumer: RingConsumer, max: number): number[] {
  const taken: number[] = []
  consumer.available()
  for (let at = consumer.next(); at >= 0; at = consumer.next()) {
    taken.push(consumer.i32[at])
    if (taken.length === max) break
  }
  consumer.release()
  return taken
}

test('records that wait come in order, one by one and in runs', () => {
  const random = new Prng(7)
  const { outlet, consumer } = pair(16)
  const came: number[] = []
  const run = new Int32Array(WORDS * 100)
  let sent = 0
  for (let turn = 0; turn < 2_000; turn += 1) {
    const count = random.int(0, 60)
    for (let n = 0; n < count; n += 1) run[n * WORDS] = sent + n
    if (random.chance(0.5)) outlet.putRun(run, 0, count)
    else for (let n = 0; n < count; n += 1) outlet.put(run, n * WORDS)
    sent += count
    for (let n = random.int(0, 8); n > 0; n -= 1) {
      outlet.flush()
      came.push(...take(consumer, random.int(1, 16)))
    }
  }
  while (came.length < sent) {
    outlet.flush()
    came.push(...take(consumer, 16))
  }
  expect(outlet.isFlushed).toBe(true)
  expect(came.every((number, at) => number === at)).toBe(true)
})

test('what is sent is not kept where something always waits', () => {
  const { outlet, consumer, kept } = pair(16)
  const run = new Int32Array(WORDS * 100)
  outlet.putRun(run, 0, 100)
  let most = 0
  for (let turn = 0; turn < 10_000; turn += 1) {
    outlet.putRun(run, 0, 16)
    outlet.flush()
    take(consumer, 16)
    expect(outlet.isFlushed).toBe(false)
    most = Math.max(most, kept.count)
  }
  expect(most).toBeLessThan(400)
})
