// The other thread of bench/ring.ts: takes records, or sends them back.

import { parentPort, workerData } from 'node:worker_threads'
import { Doorbell } from '../src/actors/doorbell.ts'
import { CLOSED, EMPTY, RingConsumer, RingProducer } from '../src/actors/ring.ts'
import { Checker, WORDS } from './ring-records.ts'

export interface ThreadOptions {
  role: 'take from a ring' | 'take messages' | 'echo a ring' | 'echo messages'
  /** Records until the findings are told, and told again after as many more. */
  count: number
  found: Int32Array
  /** Rings here and back; doorbells of the other side and of this one. */
  here: SharedArrayBuffer
  back: SharedArrayBuffer
  theirs: SharedArrayBuffer
  ours: SharedArrayBuffer
  spins: number
}

const { role, count, found, here, back, theirs, ours, spins }: ThreadOptions = workerData
const [mine, other] = [new Doorbell(ours), new Doorbell(theirs)]
const checker = new Checker()
const ring = new RingConsumer(here, { producer: other, consumer: mine })

if (role === 'take from a ring') takeFromRing()
else if (role === 'echo a ring') echoRing()
else if (role === 'echo messages') parentPort!.on('message', (it) => parentPort!.postMessage(it))
else parentPort!.on('message', takeMessage)

function takeFromRing(): void {
  const { i32 } = ring
  for (;;) {
    ring.wait(Infinity, spins)
    if (ring.available() === CLOSED) return
    for (let at = ring.next(); at !== EMPTY; at = ring.next()) {
      checker.take(i32, at)
      if (checker.count === count) checker.tell(found)
    }
    ring.release()
  }
}

/** A record as an array of its words, or many in one typed array. */
function takeMessage(message: number[] | Int32Array): void {
  for (let at = 0; at < message.length; at += WORDS) checker.take(message, at)
  if (checker.count === count) checker.tell(found)
}

function echoRing(): void {
  const out = new RingProducer(back, { producer: mine, consumer: other })
  for (;;) {
    ring.wait(Infinity, spins)
    if (ring.available() === CLOSED) return
    for (let from = ring.next(); from !== EMPTY; from = ring.next()) {
      const to = out.claim()
      for (let word = 0; word < WORDS; word += 1) out.i32[to + word] = ring.i32[from + word]
    }
    ring.release()
    out.publish()
  }
}
