// What the ring's tests hand to their threads: memory of rings and doorbells, and numbered records
// whose every word follows from the number.

import { createDoorbell, Doorbell } from '../../src/actors/doorbell.ts'
import { createRing, RingConsumer, RingProducer } from '../../src/actors/ring.ts'

/** A ring's memory and that of its two doorbells. */
export interface Wire {
  readonly ring: SharedArrayBuffer
  readonly producer: SharedArrayBuffer
  readonly consumer: SharedArrayBuffer
}

export const WORDS = 8

export const makeWire = (capacity: number, consumer = createDoorbell()): Wire => ({
  ring: createRing({ words: WORDS, capacity }),
  producer: createDoorbell(),
  consumer,
})

const bellsOf = ({ producer, consumer }: Wire) => ({
  producer: new Doorbell(producer),
  consumer: new Doorbell(consumer),
})
export const producerOf = (wire: Wire) => new RingProducer(wire.ring, bellsOf(wire))
export const consumerOf = (wire: Wire) => new RingConsumer(wire.ring, bellsOf(wire))

/** Writes record `number` at `at`: the number, words that follow from it, and their checksum. */
export function writeRecord({ i32, f64 }: RingProducer, at: number, number: number): void {
  f64[at >> 1] = number
  let sum = Math.imul(number, 0x9e3779b1)
  for (let word = 2; word < WORDS - 1; word += 1) {
    i32[at + word] = Math.imul(number + word, 0x85ebca6b)
    sum = Math.imul(sum ^ i32[at + word], 31)
  }
  i32[at + WORDS - 1] = sum
}

/** The number of the record at `at`, or NaN if any of its words is not as written. */
export function readRecord({ i32, f64 }: RingConsumer, at: number): number {
  const number = f64[at >> 1]
  let sum = Math.imul(number, 0x9e3779b1)
  for (let word = 2; word < WORDS - 1; word += 1) {
    if (i32[at + word] !== Math.imul(number + word, 0x85ebca6b)) return NaN
    sum = Math.imul(sum ^ i32[at + word], 31)
  }
  return i32[at + WORDS - 1] === sum ? number : NaN
}
