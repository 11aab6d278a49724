// A thread of the ring's tests: plays one role, posts what came of it, and nothing else.

import { parentPort, workerData } from 'node:worker_threads'
import { Doorbell } from '../../src/actors/doorbell.ts'
import { CLOSED, EMPTY } from '../../src/actors/ring.ts'
import { Prng } from '../../src/lib/prng.ts'
import { Mailbox } from './mailbox.ts'
import { consumerOf, producerOf, readRecord, type Wire, writeRecord } from './ring-wires.ts'

export type Role =
  /** Publishes `count` records in random batches, closes; posts how often it waited for room. */
  | { role: 'produce'; wire: Wire; count: number; batchMax: number; spinsMax: number; seed: number }
  /** Takes all there is of several rings until they close; posts what it saw of each. */
  | { role: 'consume'; wires: Wire[]; batchMax: number; spinsMax: number; seed: number }
  /** Sends `count` records, each after the answer to the one before, closes; posts the answers. */
  | { role: 'ask'; wire: Wire; back: Wire; count: number; spinsMax: number; seed: number }
  | { role: 'answer'; wire: Wire; back: Wire; spinsMax: number; seed: number }
  /** Publishes some, claims and half writes more, posts, and hangs. */
  | { role: 'claim and hang'; wire: Wire; publish: number; claim: number }
  /** Takes some, releases some of these, posts, and hangs. */
  | { role: 'take and hang'; wire: Wire; take: number; release: number }
  /** Sleeps until there is something; posts what `available` says. */
  | { role: 'sleep for records'; wire: Wire }
  /** Sleeps until there is room; posts what `claim` says. */
  | { role: 'sleep for room'; wire: Wire; count: number }

/** What a consumer saw of one ring. */
export interface Seen {
  count: number
  /** Records out of order, or with a word that was not written so. */
  wrong: number
  batches: number
}

const data: Role = workerData
switch (data.role) {
  case 'produce':
    post(produce(data))
    break
  case 'consume':
    post(consume(data))
    break
  case 'ask':
    post(ask(data))
    break
  case 'answer':
    post(answer(data))
    break
  case 'claim and hang': {
    const ring = producerOf(data.wire)
    for (let number = 0; number < data.publish; number += 1) writeRecord(ring, ring.claim(), number)
    ring.publish()
    for (let number = 0; number < data.claim; number += 1) ring.i32[ring.claim() + 1] = -1
    post('claimed')
    hang()
    break
  }
  case 'take and hang': {
    const ring = consumerOf(data.wire)
    while (ring.available() < data.take) ring.wait(Infinity)
    for (let taken = 0; taken < data.take; taken += 1) {
      ring.next()
      if (taken + 1 === data.release) ring.release()
    }
    post('taken')
    hang()
    break
  }
  case 'sleep for records': {
    const ring = consumerOf(data.wire)
    while (!ring.wait(Infinity, 0)) {}
    post(ring.available())
    break
  }
  case 'sleep for room': {
    const ring = producerOf(data.wire)
    while (!ring.waitForRoom(data.count, Infinity, 0)) {}
    post(ring.claim())
    break
  }
}

function post(message: unknown): void {
  parentPort!.postMessage(message)
}

function hang(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function produce({ wire, count, batchMax, spinsMax, seed }: Role & { role: 'produce' }): number {
  const random = new Prng(seed)
  const ring = producerOf(wire)
  let waits = 0
  for (let number = 0; number < count; ) {
    const end = Math.min(count, number + 1 + random.int(batchMax))
    for (let at = 0; number < end; number += 1) {
      at = ring.claim()
      if (at < 0) break
      writeRecord(ring, at, number)
    }
    ring.publish()
    if (number === end) continue
    waits += 1
    const room = 1 + random.int(Math.min(batchMax, ring.capacity))
    while (!ring.waitForRoom(room, Infinity, random.int(spinsMax + 1))) {}
  }
  ring.close()
  return waits
}

function consume({ wires, batchMax, spinsMax, seed }: Role & { role: 'consume' }): Seen[] {
  const random = new Prng(seed)
  const rings = wires.map(consumerOf)
  const mailbox = new Mailbox(new Doorbell(wires[0].consumer), rings)
  const seen = rings.map((): Seen => ({ count: 0, wrong: 0, batches: 0 }))
  while (mailbox.rings.length > 0) {
    while (!mailbox.wait(Infinity, random.int(spinsMax + 1))) {}
    for (const [index, ring] of rings.entries()) {
      if (!mailbox.rings.includes(ring)) continue
      const count = ring.available()
      if (count === CLOSED) mailbox.remove(ring)
      if (count <= 0) continue
      const ours = seen[index]
      ours.batches += 1
      for (let left = 1 + random.int(batchMax); left > 0; left -= 1) {
        const at = ring.next()
        if (at === EMPTY) break
        if (readRecord(ring, at) !== ours.count) ours.wrong += 1
        ours.count += 1
      }
      ring.release()
    }
  }
  return seen
}

function ask({ wire, back, count, spinsMax, seed }: Role & { role: 'ask' }): number {
  const random = new Prng(seed)
  const [out, answers] = [producerOf(wire), consumerOf(back)]
  for (let number = 0; number < count; number += 1) {
    writeRecord(out, out.claim(), number)
    out.publish()
    while (!answers.wait(Infinity, random.int(spinsMax + 1))) {}
    if (answers.available() !== 1 || readRecord(answers, answers.next()) !== number) return number
    answers.release()
  }
  out.close()
  return count
}

function answer({ wire, back, spinsMax, seed }: Role & { role: 'answer' }): number {
  const random = new Prng(seed)
  const [questions, out] = [consumerOf(wire), producerOf(back)]
  for (let answered = 0; ; answered += 1) {
    while (!questions.wait(Infinity, random.int(spinsMax + 1))) {}
    if (questions.available() === CLOSED) return answered
    const number = readRecord(questions, questions.next())
    questions.release()
    writeRecord(out, out.claim(), number)
    out.publish()
  }
}
