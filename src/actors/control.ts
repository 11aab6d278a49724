// What a worker shows of itself in shared memory: that it is alive, whether it broke, and what it
// has used.

/** Words of a worker, a pair of cache lines: 0 heartbeats, 1 state; doubles 1 CPU, 2 asleep. */
const WORDS = 32
const BEATS = 0
const STATE = 1
const CPU = 1
const ASLEEP = 2

/** What a worker has used since it began, as of when it last fell asleep. */
export interface Usage {
  /** Time on a processor. */
  readonly cpuMs: number
  /** Time asleep: nothing to do, or waiting for the others at a phase's end. */
  readonly asleepMs: number
}

/** What a worker says of itself; a faulted one never runs again. */
export const WorkerState = { running: 0, faulted: 1 } as const

export class ControlBlock {
  readonly memory: SharedArrayBuffer
  private readonly words: Int32Array
  private readonly doubles: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.words = new Int32Array(memory)
    this.doubles = new Float64Array(memory)
  }

  /** A new one, for so many workers. */
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

  /** The worker is about to sleep. */
  account(worker: number, { cpuMs, asleepMs }: Usage): void {
    // For people: a reader that catches one of them in between is no harm.
    this.doubles[(worker * WORDS) / 2 + CPU] = cpuMs
    this.doubles[(worker * WORDS) / 2 + ASLEEP] = asleepMs
  }

  /** What it has used, as of when it last noted it down. */
  usage(worker: number): Usage {
    const at = (worker * WORDS) / 2
    return { cpuMs: this.doubles[at + CPU], asleepMs: this.doubles[at + ASLEEP] }
  }

  /** The worker broke an invariant; its report is on its way before this is seen. */
  fault(worker: number): void {
    Atomics.store(this.words, worker * WORDS + STATE, WorkerState.faulted)
  }

  /** Whether it has broken. */
  isFaulted(worker: number): boolean {
    return Atomics.load(this.words, worker * WORDS + STATE) === WorkerState.faulted
  }
}
