// What a worker shows of itself in shared memory: that it is alive, and whether it broke.

/** Words of a worker, a pair of cache lines: 0 heartbeats, 1 state. */
const WORDS = 32
const BEATS = 0
const STATE = 1

export const WorkerState = { running: 0, faulted: 1 } as const

export class ControlBlock {
  readonly memory: SharedArrayBuffer
  private readonly words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.words = new Int32Array(memory)
  }

  static for(workers: number): ControlBlock {
    return new ControlBlock(new SharedArrayBuffer(workers * WORDS * 4))
  }

  /** The worker has come round its loop once more. */
  beat(worker: number): void {
    // Only that it changes matters; nothing is ordered by it.
    Atomics.add(this.words, worker * WORDS + BEATS, 1)
  }

  /** How often it has, modulo 2^32. */
  beats(worker: number): number {
    return Atomics.load(this.words, worker * WORDS + BEATS)
  }

  /** The worker broke an invariant; its report is on its way before this is seen. */
  fault(worker: number): void {
    Atomics.store(this.words, worker * WORDS + STATE, WorkerState.faulted)
  }

  isFaulted(worker: number): boolean {
    return Atomics.load(this.words, worker * WORDS + STATE) === WorkerState.faulted
  }
}
