// A doorbell: one word of shared memory on which one thread sleeps and any number of others ring.
//
// A thread has one doorbell, whatever it waits for: all rings that end in it ring there, and so do
// those it waits for room in. Nothing is counted and nothing is handed over: whoever rings has
// stored its news elsewhere first, whoever wakes looks for itself.

import { assert } from '../lib/assert.ts'

const MAGIC = 0x0bf1bee1
/** The word alone in its cache lines, wherever the memory begins: 128 bytes to either side. */
export const STATE_WORD = 32
const BYTES = 256

const AWAKE = 0
export const ASLEEP = 1

/**
 * Looks before a thread goes to sleep, unless said otherwise: some microseconds, about what it
 * costs to fall asleep and be woken.
 */
export const SPINS = 2_000

/** Memory of a new doorbell, to be handed to every thread that rings it or sleeps at it. */
export function createDoorbell(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(BYTES)
  new Int32Array(memory)[0] = MAGIC
  return memory
}

/** A thread's handle of a doorbell; one thread may wait at it, all may ring it. */
export class Doorbell {
  readonly memory: SharedArrayBuffer
  private readonly words: Int32Array

  /** `memory` is what {@link createDoorbell} gave. */
  constructor(memory: SharedArrayBuffer) {
    assert(memory.byteLength === BYTES, 'a doorbell has its size')
    this.memory = memory
    this.words = new Int32Array(memory)
    assert(this.words[0] === MAGIC, "it is a doorbell's memory")
  }

  /** Wakes the thread that sleeps here, if one does. Call it after storing what there is to see. */
  ring(): void {
    const { words } = this
    // The caller stored its news, then loads the state; the sleeper stored ASLEEP, then looks for
    // news. All four are sequentially consistent, so one of the two sees the other's store.
    if (Atomics.load(words, STATE_WORD) === AWAKE) return
    // Of several that ring, one pays for waking. Should the sleeper not be asleep yet, Atomics.wait
    // finds AWAKE and does not sleep.
    if (Atomics.compareExchange(words, STATE_WORD, ASLEEP, AWAKE) === ASLEEP) {
      Atomics.notify(words, STATE_WORD)
    }
  }

  /**
   * As {@link ring}, but wakes whoever sleeps even if the state says that nobody does: so is the
   * state left by a thread that was ended between exchanging it and notifying.
   */
  wake(): void {
    Atomics.store(this.words, STATE_WORD, AWAKE)
    Atomics.notify(this.words, STATE_WORD)
  }

  /**
   * Waits until `isReady`, looking `spins` times before it sleeps for up to `timeoutMs` (Infinity:
   * for ever). False when the time was up or somebody rang for another reason: look again.
   * `isReady` reads the shared memory with Atomics and is called on this thread only.
   */
  wait(isReady: () => boolean, timeoutMs: number, spins = SPINS): boolean {
    for (let spin = 0; spin < spins; spin += 1) {
      if (isReady()) return true
    }
    const { words } = this
    // Say it first, look for the last time after: whoever stores its news after this look sees
    // ASLEEP (see `ring`), makes it AWAKE, and the wait ends or does not begin.
    Atomics.store(words, STATE_WORD, ASLEEP)
    if (!isReady()) Atomics.wait(words, STATE_WORD, ASLEEP, timeoutMs)
    Atomics.store(words, STATE_WORD, AWAKE)
    return isReady()
  }
}
