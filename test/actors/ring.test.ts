// The ring in one thread against a plain queue, and between threads: nothing lost, torn, doubled
// or slept through, whatever either side does or however it ends.

import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { ASLEEP, createDoorbell, Doorbell, STATE_WORD } from '../../src/actors/doorbell.ts'
import * as rings from '../../src/actors/ring.ts'
import { Mailbox } from '../support/mailbox.ts'
import * as wires from '../support/ring-wires.ts'
import type { Role, Seen } from '../support/ring-worker.ts'

const { CLOSED, createRing, EMPTY, FULL } = rings
const { consumerOf, makeWire, producerOf, readRecord, WORDS, writeRecord } = wires

/** Claims, writes and publishes the records `from .. to - 1`. */
function send(ring: rings.RingProducer, from: number, to: number): void {
  for (let number = from; number < to; number += 1) writeRecord(ring, ring.claim(), number)
  ring.publish()
}

/** Takes what there is, releasing it. */
function take(ring: rings.RingConsumer): number[] {
  const numbers: number[] = []
  ring.available()
  for (let at = ring.next(); at !== EMPTY; at = ring.next()) numbers.push(readRecord(ring, at))
  ring.release()
  return numbers
}

/** A ring whose cursors stand at `cursor`. */
function wireAt(capacity: number, cursor: number): wires.Wire {
  const wire = makeWire(capacity)
  const header = new Int32Array(wire.ring)
  header[rings.PUBLISHED_WORD] = cursor
  header[rings.RELEASED_WORD] = cursor
  return wire
}

/** Where a cursor counts over the edge of 32 bits within a few records. */
const CURSORS = [0, 0x7fff_fffd, -3]

describe('in one thread', () => {
  test('a record is its words and doubles, in place', () => {
    const wire = makeWire(4)
    const [producer, consumer] = [producerOf(wire), consumerOf(wire)]
    const at = producer.claim()
    producer.f64[at >> 1] = Math.PI
    producer.i32[at + 2] = -7
    producer.publish()
    expect(consumer.available()).toBe(1)
    const peeked = consumer.peek()
    expect(consumer.next()).toBe(peeked)
    expect([consumer.f64[peeked >> 1], consumer.i32[peeked + 2]]).toEqual([Math.PI, -7])
    expect([consumer.peek(), consumer.next(), consumer.available()]).toEqual([EMPTY, EMPTY, 0])
  })

  test('a batch is not seen before it is published, then all of it', () => {
    const wire = makeWire(8)
    const [producer, consumer] = [producerOf(wire), consumerOf(wire)]
    for (let number = 0; number < 5; number += 1) writeRecord(producer, producer.claim(), number)
    expect([consumer.available(), consumer.next()]).toEqual([0, EMPTY])
    producer.publish()
    expect(consumer.next()).toBe(EMPTY) // it has not looked
    expect(take(consumer)).toEqual([0, 1, 2, 3, 4])
  })

  test.each(CURSORS)('wraps around and is full at its capacity, cursors at %i', (cursor) => {
    const wire = wireAt(4, cursor)
    const [producer, consumer] = [producerOf(wire), consumerOf(wire)]
    let number = 0
    for (let turn = 0; turn < 7; turn += 1) {
      expect(producer.free()).toBe(4)
      send(producer, number, number + 3)
      expect(producer.free()).toBe(1)
      send(producer, number + 3, number + 4)
      expect([producer.free(), producer.claim()]).toEqual([0, FULL])
      expect(consumer.available()).toBe(4)
      expect(readRecord(consumer, consumer.next())).toBe(number)
      expect(producer.claim()).toBe(FULL) // taken is not released
      consumer.release()
      send(producer, number + 4, number + 5)
      expect(producer.claim()).toBe(FULL)
      expect(take(consumer)).toEqual([1, 2, 3, 4].map((more) => number + more))
      number += 5
    }
  })

  test('closing: the consumer gets what was published, the producer nothing more', () => {
    const [one, other] = [makeWire(4), makeWire(4)]
    const [producer, consumer] = [producerOf(one), consumerOf(one)]
    send(producer, 0, 2)
    producer.claim()
    producer.close()
    expect(producer.claim()).toBe(CLOSED)
    expect(take(consumer)).toEqual([0, 1])
    expect([consumer.available(), consumer.isReady()]).toEqual([CLOSED, true])

    const [writer, reader] = [producerOf(other), consumerOf(other)]
    send(writer, 0, 1)
    reader.close()
    expect([writer.claim(), writer.free(), writer.hasRoom(4)]).toEqual([CLOSED, CLOSED, true])
  })

  test('a batch begun before the consumer closed ends with CLOSED, not with FULL', () => {
    const wire = makeWire(2)
    const [producer, consumer] = [producerOf(wire), consumerOf(wire)]
    producer.claim()
    consumer.close()
    expect(producer.claim()).toBe(WORDS)
    expect(producer.claim()).toBe(CLOSED)
  })

  test('what is no ring or no doorbell is refused', () => {
    const bells = {
      producer: new Doorbell(createDoorbell()),
      consumer: new Doorbell(createDoorbell()),
    }
    const open = (memory: SharedArrayBuffer) => () => new rings.RingConsumer(memory, bells)
    expect(open(new SharedArrayBuffer(64))).toThrow('a ring has its header')
    expect(open(new SharedArrayBuffer(1024))).toThrow("it is a ring's memory")
    const cut = new SharedArrayBuffer(768)
    const good = createRing({ words: 4, capacity: 32 })
    new Uint8Array(cut).set(new Uint8Array(good, 0, 768))
    expect(open(cut)).toThrow('a ring has its size')
    new Int32Array(good)[rings.PUBLISHED_WORD] = 33
    expect(open(good)).toThrow("a ring's cursors are in order")
    expect(() => createRing({ words: 3, capacity: 4 })).toThrow('even')
    for (const capacity of [0, 3, 0.5, -4]) {
      expect(() => createRing({ words: 4, capacity })).toThrow('power of two')
    }
    expect(() => createRing({ words: 2 ** 10, capacity: 2 ** 20 })).toThrow('2 GiB')
    expect(() => new Doorbell(good)).toThrow('a doorbell has its size')
    expect(() => new Doorbell(new SharedArrayBuffer(256))).toThrow("it is a doorbell's memory")
    const strange = consumerOf(makeWire(2))
    expect(() => new Mailbox(bells.consumer, [strange])).toThrow("the mailbox's rings")
  })

  test('room that cannot come is not waited for', () => {
    const producer = producerOf(makeWire(4))
    producer.claim()
    expect(producer.hasRoom(3)).toBe(true)
    expect(() => producer.waitForRoom(4, 0)).toThrow('the room waited for can come')
  })

  test('a wait in vain ends when its time is up', () => {
    const wire = makeWire(2)
    const [producer, consumer] = [producerOf(wire), consumerOf(wire)]
    expect(consumer.wait(1)).toBe(false)
    send(producer, 0, 2)
    expect([consumer.wait(0), producer.waitForRoom(1, 1)]).toEqual([true, false])
    expect(take(consumer)).toEqual([0, 1])
    expect(producer.waitForRoom(2, 0)).toBe(true)
  })

  test('a mailbox is ready when any of its rings is, until the closed are removed', () => {
    const bell = createDoorbell()
    const [one, other] = [makeWire(2, bell), makeWire(2, bell)]
    const ends = [consumerOf(one), consumerOf(other)]
    const mailbox = new Mailbox(new Doorbell(bell), ends)
    expect(mailbox.wait(0)).toBe(false)
    send(producerOf(other), 0, 1)
    expect(mailbox.wait(0)).toBe(true)
    expect(take(ends[1])).toEqual([0])
    expect(mailbox.wait(0)).toBe(false)
    producerOf(other).close()
    expect([mailbox.wait(0), ends[1].available()]).toEqual([true, CLOSED])
    mailbox.remove(ends[1])
    expect([mailbox.wait(0), mailbox.rings]).toEqual([false, [ends[0]]])
    send(producerOf(one), 0, 1)
    expect(mailbox.wait(0)).toBe(true)
  })

  test('does what a queue does', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 8),
        fc.constantFrom(...CURSORS),
        fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 60 }),
        (capacity, cursor, steps) => {
          const duel = new Duel(capacity, cursor)
          for (const step of steps) STEPS[step](duel)
        },
      ),
      { numRuns: 4_000, seed: 20261121 },
    )
  })
})

/** The ring beside a plain array of what it must hold. */
class Duel {
  readonly wire: wires.Wire
  readonly capacity: number
  producer: rings.RingProducer
  consumer: rings.RingConsumer
  cursor: number
  number = 0
  /** Claimed; published and not released; how many of these were taken, and seen. */
  claimed: number[] = []
  queue: number[] = []
  taken = 0
  seen = 0
  closed = false

  constructor(capacity: number, cursor: number) {
    this.capacity = capacity
    this.cursor = cursor
    this.wire = wireAt(capacity, cursor)
    this.producer = producerOf(this.wire)
    this.consumer = consumerOf(this.wire)
  }

  claim(): void {
    const isFull = this.claimed.length + this.queue.length === this.capacity
    const at = this.producer.claim()
    if (this.closed && (this.claimed.length === 0 || isFull)) expect(at).toBe(CLOSED)
    else if (isFull) expect(at).toBe(FULL)
    else {
      const place = (this.cursor + this.claimed.length) & (this.capacity - 1)
      expect(at).toBe(place * WORDS)
      writeRecord(this.producer, at, this.number)
      this.claimed.push(this.number)
      this.number += 1
    }
  }

  publish(): void {
    this.producer.publish()
    this.cursor += this.claimed.length
    this.queue.push(...this.claimed)
    this.claimed = []
  }

  look(): void {
    this.seen = this.queue.length
    const count = this.seen - this.taken
    expect(this.consumer.available()).toBe(count === 0 && this.closed ? CLOSED : count)
    const free = this.capacity - this.claimed.length - this.queue.length
    expect(this.producer.free()).toBe(this.closed ? CLOSED : free)
    const room = this.capacity - this.claimed.length
    expect(this.producer.hasRoom(room)).toBe(this.closed || free >= room)
  }

  next(): void {
    const peeked = this.consumer.peek()
    const at = this.consumer.next()
    expect(peeked).toBe(at)
    if (this.taken === this.seen) expect(at).toBe(EMPTY)
    else {
      expect(readRecord(this.consumer, at)).toBe(this.queue[this.taken])
      this.taken += 1
    }
  }

  release(): void {
    this.consumer.release()
    this.queue.splice(0, this.taken)
    this.seen -= this.taken
    this.taken = 0
  }

  /** Somebody else goes on where the producer was. */
  replaceProducer(): void {
    this.producer = producerOf(this.wire)
    this.claimed = []
  }

  replaceConsumer(): void {
    this.consumer = consumerOf(this.wire)
    this.taken = 0
    this.seen = 0
  }
}

const STEPS: Record<string, (duel: Duel) => void> = {
  claim: (duel) => duel.claim(),
  'claim three': (duel) => {
    for (let left = 3; left > 0; left -= 1) duel.claim()
  },
  publish: (duel) => duel.publish(),
  look: (duel) => duel.look(),
  next: (duel) => duel.next(),
  'look, next': (duel) => {
    duel.look()
    duel.next()
  },
  'next five': (duel) => {
    for (let left = 5; left > 0; left -= 1) duel.next()
  },
  release: (duel) => duel.release(),
  'replace producer': (duel) => duel.replaceProducer(),
  'replace consumer': (duel) => duel.replaceConsumer(),
  'close producer': (duel) => {
    duel.producer.close()
    duel.closed = true
    duel.claimed = []
  },
  'close consumer': (duel) => {
    duel.consumer.close()
    duel.closed = true
  },
}

const THREAD = new URL('../support/ring-worker.ts', import.meta.url)
const threads: Worker[] = []

/** Starts a thread; `told` is the next that it posts. */
function start(data: Role): { worker: Worker; told: () => Promise<unknown> } {
  const worker = new Worker(THREAD, { workerData: data })
  threads.push(worker)
  const messages = on(worker, 'message')
  return { worker, told: async () => (await messages.next()).value?.[0] }
}

/** Until the thread at this doorbell has gone to sleep. */
async function asleep(bell: SharedArrayBuffer): Promise<void> {
  const words = new Int32Array(bell)
  while (Atomics.load(words, STATE_WORD) !== ASLEEP) await new Promise(setImmediate)
}

describe('between threads', { timeout: 30_000 }, () => {
  afterEach(async () => {
    await Promise.all(threads.splice(0).map((worker) => worker.terminate()))
  })

  test('random batches arrive whole and in order, through a small ring', async () => {
    const wire = makeWire(64)
    const count = 300_000
    const consumer = start({ role: 'consume', wires: [wire], batchMax: 90, spinsMax: 300, seed: 1 })
    const common = { wire, count, batchMax: 40, spinsMax: 300, seed: 2 }
    const producer = start({ role: 'produce', ...common })
    const [seen] = (await consumer.told()) as Seen[]
    expect(seen).toMatchObject({ count, wrong: 0 })
    expect(await producer.told()).toBeGreaterThan(0)
  })

  test('a ring of one record: both sides sleep and are woken at every record', async () => {
    const wire = makeWire(1)
    const count = 10_000
    const consumer = start({ role: 'consume', wires: [wire], batchMax: 1, spinsMax: 0, seed: 3 })
    start({ role: 'produce', wire, count, batchMax: 1, spinsMax: 0, seed: 4 })
    expect(await consumer.told()).toMatchObject([{ count, wrong: 0 }])
  })

  test.each([0, 40, 2_000])('no wake-up is lost, with up to %i spins', async (spinsMax) => {
    const [wire, back] = [makeWire(2), makeWire(2)]
    const count = 8_000
    const asker = start({ role: 'ask', wire, back, count, spinsMax, seed: 5 })
    const answerer = start({ role: 'answer', wire, back, spinsMax, seed: 6 })
    expect([await asker.told(), await answerer.told()]).toEqual([count, count])
  })

  test('three rings end in one mailbox', async () => {
    const bell = createDoorbell()
    const into = [makeWire(16, bell), makeWire(64, bell), makeWire(1, bell)]
    const counts = [20_000, 30_000, 2_000]
    const consumer = start({ role: 'consume', wires: into, batchMax: 50, spinsMax: 50, seed: 7 })
    for (const [index, wire] of into.entries()) {
      const count = counts[index]
      start({ role: 'produce', wire, count, batchMax: 20, spinsMax: 50, seed: 8 + index })
    }
    const seen = (await consumer.told()) as Seen[]
    expect(seen).toMatchObject(counts.map((count) => ({ count, wrong: 0 })))
  })

  test('a consumer that sleeps is woken by records, and by the end', async () => {
    for (const end of ['records', 'close'] as const) {
      const wire = makeWire(4)
      const sleeper = start({ role: 'sleep for records', wire })
      await asleep(wire.consumer)
      const producer = producerOf(wire)
      if (end === 'records') send(producer, 0, 3)
      else producer.close()
      expect(await sleeper.told()).toBe(end === 'records' ? 3 : CLOSED)
    }
  })

  test('a producer waits for the room it asked for, and is woken by the end', async () => {
    for (const end of ['room', 'close'] as const) {
      const wire = makeWire(4)
      send(producerOf(wire), 0, 4)
      const sleeper = start({ role: 'sleep for room', wire, count: 2 })
      await asleep(wire.producer)
      const consumer = consumerOf(wire)
      consumer.available()
      consumer.next()
      consumer.release()
      expect(Atomics.load(new Int32Array(wire.producer), STATE_WORD)).toBe(ASLEEP) // one is not two
      if (end === 'room') take(consumer)
      else consumer.close()
      expect(await sleeper.told()).toBe(end === 'room' ? 0 : CLOSED)
    }
  })

  test('a producer that ends in the middle of a claim leaves what it published', async () => {
    const wire = makeWire(8)
    const { worker, told } = start({ role: 'claim and hang', wire, publish: 3, claim: 4 })
    await told()
    await worker.terminate()
    const consumer = consumerOf(wire)
    expect(take(consumer)).toEqual([0, 1, 2])
    expect([consumer.available(), consumer.wait(1)]).toEqual([0, false])
    // Another goes on where it stopped, or ends the ring in its name.
    const heir = producerOf(wire)
    send(heir, 3, 11)
    expect(heir.claim()).toBe(FULL)
    expect(take(consumer)).toEqual([3, 4, 5, 6, 7, 8, 9, 10])
    producerOf(wire).close()
    expect(consumer.available()).toBe(CLOSED)
  })

  test('a consumer that ends before releasing leaves its records to the next', async () => {
    const wire = makeWire(8)
    const producer = producerOf(wire)
    const { worker, told } = start({ role: 'take and hang', wire, take: 5, release: 2 })
    send(producer, 0, 8)
    await told()
    await worker.terminate()
    expect(producer.free()).toBe(2)
    expect(take(consumerOf(wire))).toEqual([2, 3, 4, 5, 6, 7])
    expect(producer.free()).toBe(8)
  })

  test('a thread that ends asleep leaves a doorbell that still works', async () => {
    const wire = makeWire(8)
    const first = start({ role: 'sleep for records', wire })
    await asleep(wire.consumer)
    await first.worker.terminate()
    const second = start({ role: 'sleep for records', wire })
    const producer = producerOf(wire)
    send(producer, 0, 1)
    expect(await second.told()).toBe(1)
  })

  test('closing wakes a sleeper whom a dying thread took for awake', async () => {
    const wire = makeWire(8)
    const sleeper = start({ role: 'sleep for records', wire })
    await asleep(wire.consumer)
    // As if ended between making the state AWAKE and notifying.
    Atomics.store(new Int32Array(wire.consumer), STATE_WORD, 0)
    producerOf(wire).close()
    expect(await sleeper.told()).toBe(CLOSED)
  })
})
