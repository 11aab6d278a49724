// Records from thread to thread: through a ring and by postMessage, and the time of a round trip.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createDoorbell, Doorbell, SPINS } from '../src/actors/doorbell.ts'
import { createRing, RingConsumer, RingProducer } from '../src/actors/ring.ts'
import { assert } from '../src/lib/assert.ts'
import { histogramOf, PERCENTILE_COLUMNS, percentileRow, writeHgrm } from './histogram.ts'
import type { BenchOptions, Report } from './report.ts'
import { Checker, toldBy, WORDS, wordOf } from './ring-records.ts'
import type { ThreadOptions } from './ring-thread.ts'
import { type Measured, measure, rate, ratio, type Variant } from './rounds.ts'

const CAPACITY = 8_192
const RECORDS = 6_000_000
const MESSAGES = 200_000
const RECORDS_IN_MESSAGE = 256
const ROUNDS = 5
const TRIPS = 200_000
const TRIPS_ASLEEP = 20_000
const TRIPS_WARM_UP = 2_000
/** More than any wait needs. */
const SPINS_FOREVER = 2 ** 30

export async function run({ quick }: BenchOptions): Promise<Report> {
  const scale = quick ? 0.1 : 1
  const [records, messages] = [RECORDS * scale, MESSAGES * scale]
  const through = await startThread('take from a ring', SPINS, records)
  const alone = await startThread('take messages', SPINS, messages)
  const packed = await startThread('take messages', SPINS, records)
  const variants = [
    throughRing('ring, published by 256', through, 256),
    throughRing('ring, published by 16', through, 16),
    throughRing('ring, published one by one', through, 1),
    byMessage('postMessage, one by one', alone),
    byPackedMessage('postMessage, 256 in one typed array', packed),
  ]
  const measured = measure(variants, ROUNDS)
  await Promise.all([through, alone, packed].map(({ worker }) => worker.terminate()))
  const [best, , , single] = measured
  const trips = Math.round(TRIPS * scale)
  const tripsAsleep = Math.round(TRIPS_ASLEEP * scale)
  const times = [
    { name: 'ring, both spin', nanos: await ringTrips(trips, SPINS_FOREVER) },
    { name: `ring, ${SPINS} spins, then sleep`, nanos: await ringTrips(trips, SPINS) },
    { name: 'ring, both sleep at once', nanos: await ringTrips(tripsAsleep, 0) },
    { name: 'postMessage', nanos: await messageTrips(tripsAsleep) },
  ].map(({ name, nanos }) => ({ name, histogram: histogramOf(nanos, 0, nanos.length) }))
  return {
    name: 'ring',
    tables: [
      ratesTable(measured, single),
      {
        title: 'Round trip of one 64-byte record between two threads',
        columns: PERCENTILE_COLUMNS,
        rows: times.map(({ name, histogram }) => percentileRow(name, histogram)),
      },
    ],
    demands: [
      { what: 'ring, published by 256, M records/s', value: rate(best) / 1e6, atLeast: 10 },
      { what: 'ring / postMessage of the same record', value: ratio(best, single), atLeast: 40 },
    ],
    notes: times.map(
      ({ name, histogram }) => `written: ${writeHgrm(`round-trip-${name}`, histogram)}`,
    ),
  }
}

interface Thread {
  readonly worker: Worker
  readonly count: number
  readonly found: Int32Array
  /** This side's ends of the rings there and back. */
  readonly out: RingProducer
  readonly answers: RingConsumer
}

async function startThread(
  role: ThreadOptions['role'],
  spins: number,
  count: number,
): Promise<Thread> {
  const [here, back] = [1, 2].map(() => createRing({ words: WORDS, capacity: CAPACITY }))
  const [theirs, ours] = [createDoorbell(), createDoorbell()]
  const found = new Int32Array(new SharedArrayBuffer(16))
  const options: ThreadOptions = { role, count, found, here, back, theirs, ours, spins }
  const worker = new Worker(new URL('./ring-thread.ts', import.meta.url), { workerData: options })
  const [mine, other] = [new Doorbell(theirs), new Doorbell(ours)]
  const out = new RingProducer(here, { producer: mine, consumer: other })
  const answers = new RingConsumer(back, { producer: other, consumer: mine })
  await once(worker, 'online')
  return { worker, count, found, out, answers }
}

// --- throughput
// -----------------------------------------------------------------------------------

function variant(name: string, { count, found }: Thread, send: () => void): Variant {
  return {
    name,
    expected: expectedOf(count),
    run: () => {
      const start = performance.now()
      send()
      const result = toldBy(found)
      return { ops: count, seconds: (performance.now() - start) / 1000, result }
    },
  }
}

/** What a checker finds that gets the first `count` records. */
function expectedOf(count: number): string {
  const found = new Int32Array(new SharedArrayBuffer(16))
  const checker = new Checker()
  const record = new Int32Array(WORDS)
  for (let number = 0; number < count; number += 1) {
    write(record, 0, number)
    checker.take(record, 0)
  }
  checker.tell(found)
  return toldBy(found)
}

function write(words: Int32Array, at: number, number: number): void {
  for (let word = 0; word < WORDS; word += 1) words[at + word] = wordOf(number, word)
}

function throughRing(name: string, thread: Thread, batch: number): Variant {
  const { out, count } = thread
  return variant(name, thread, () => {
    const { i32 } = out
    for (let number = 0; number < count; ) {
      const end = Math.min(count, number + batch)
      for (; number < end; number += 1) {
        const at = out.claim()
        if (at < 0) break
        write(i32, at, number)
      }
      out.publish()
      if (number < end) out.waitForRoom(batch, Infinity)
    }
  })
}

/** The fastest form found for one record: an array of small integers, always the same one. */
function byMessage(name: string, thread: Thread): Variant {
  const { worker, count } = thread
  const record = new Array<number>(WORDS).fill(0)
  return variant(name, thread, () => {
    for (let number = 0; number < count; number += 1) {
      for (let word = 0; word < WORDS; word += 1) record[word] = wordOf(number, word)
      worker.postMessage(record)
    }
  })
}

function byPackedMessage(name: string, thread: Thread): Variant {
  const { worker, count } = thread
  return variant(name, thread, () => {
    for (let number = 0; number < count; ) {
      const many = new Int32Array(Math.min(RECORDS_IN_MESSAGE, count - number) * WORDS)
      for (let at = 0; at < many.length; at += WORDS) {
        write(many, at, number)
        number += 1
      }
      worker.postMessage(many)
    }
  })
}

function ratesTable(measured: readonly Measured[], single: Measured) {
  return {
    title: 'Million 64-byte records per second between two threads, each record checked (medians)',
    columns: ['way', 'M records/s', 'ns/record', '/ postMessage'],
    rows: measured.map((one) => [one.name, rate(one) / 1e6, 1e9 / rate(one), ratio(one, single)]),
  }
}

// --- round trips
// ----------------------------------------------------------------------------------

/** Nanoseconds of each of `count` round trips, behind those that warm up. */
async function ringTrips(count: number, spins: number): Promise<Float64Array> {
  const { worker, out, answers } = await startThread('echo a ring', spins, 0)
  const nanos = new Float64Array(count)
  for (let number = -TRIPS_WARM_UP; number < count; number += 1) {
    const start = performance.now()
    write(out.i32, out.claim(), number)
    out.publish()
    while (!answers.wait(Infinity, spins)) {}
    const at = answers.next()
    const isRight = answers.i32[at] === number && answers.i32[at + 15] === wordOf(number, 15)
    answers.release()
    if (number >= 0) nanos[number] = (performance.now() - start) * 1e6
    assert(isRight, 'the record comes back as it was')
  }
  out.close()
  await worker.terminate()
  return nanos
}

async function messageTrips(count: number): Promise<Float64Array> {
  const { worker } = await startThread('echo messages', 0, 0)
  const nanos = new Float64Array(count)
  const record = new Int32Array(WORDS)
  for (let number = -TRIPS_WARM_UP; number < count; number += 1) {
    const start = performance.now()
    write(record, 0, number)
    worker.postMessage([...record])
    const [answer] = await once(worker, 'message')
    if (number >= 0) nanos[number] = (performance.now() - start) * 1e6
    assert(answer[0] === number && answer[15] === wordOf(number, 15), 'it comes back as it was')
  }
  await worker.terminate()
  return nanos
}
