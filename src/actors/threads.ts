// A crew on worker threads: starts them, waits for them, notices when one breaks or goes silent,
// ends them.

import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { AccountShardOptions } from '../engine/account/account-shard.ts'
import { assert, Fault } from '../lib/assert.ts'
import { ControlBlock } from './control.ts'
import { Crew } from './crew.ts'
import { SPINS } from './doorbell.ts'
import type { FaultReport, Mail } from './letters.ts'
import { type Placement, placementOn, type Workers } from './placement.ts'
import { Sequencer } from './sequencer.ts'
import { createWiring, Ends, type Wiring } from './wiring.ts'

/** What a worker thread is given. */
export interface WorkerSetup {
  readonly worker: number
  readonly placement: Placement
  readonly wiring: Wiring
  readonly control: SharedArrayBuffer
  readonly options: AccountShardOptions
  /** One port for each of its shards, those of accounts first. */
  readonly mail: readonly MessagePort[]
  readonly faults: MessagePort
  readonly spins: number
}

export interface ThreadOptions extends AccountShardOptions {
  /** A worker that is needed and does not come round for so long counts as broken; default 30 s. */
  readonly silenceMsMax?: number
  /** How long a graceful stop may take before threads are ended by force; default 5 s. */
  readonly stopMsMax?: number
  /** What the threads run; for tests. */
  readonly entry?: URL
}

/**
 * A worker broke an invariant, threw something else, ended, or went silent. Names round, seq, actor
 * and command as far as they are known.
 */
export class WorkerFault extends Fault {
  override name = 'WorkerFault'
  readonly report: FaultReport

  constructor(report: FaultReport) {
    const { actor, phase, round, seq, command } = report
    const who = actor === undefined ? '' : ` of ${actor.kind} ${actor.handle}`
    const what = command === '' ? '' : ` (${command})`
    const where = phase === '' ? '' : `; in round ${round}, ${phase}, seq ${seq}${what}${who}`
    super(report.message + where)
    this.report = report
    // Where it broke, rather than where that was noticed.
    if (report.stack !== '') this.stack = `${this.name}: ${this.message}\n${report.stack}`
  }
}

/** What a thread runs: TypeScript in a clone, JavaScript in a package. */
const WORKER = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url)
const SILENCE_MS_MAX = 30_000
const STOP_MS_MAX = 5_000
/** How long the sequencer sleeps before it looks after its workers. */
const LOOK_MS = 250

/** Starts the workers of a placement; {@link Crew.close} ends them. */
export function startThreads(workers: Exclude<Workers, 0>, options: ThreadOptions): Crew {
  const threads = new Threads(workers, options)
  return new Crew(threads.parts())
}

class Threads {
  private readonly placement: Placement
  private readonly ends: Ends
  private readonly sequencer: Sequencer
  private readonly control: ControlBlock
  private readonly threads: Worker[] = []
  /** When each thread has ended. */
  private readonly exits: Promise<unknown>[] = []
  private readonly faults: MessagePort[] = []
  private readonly accountMail: Mail[] = []
  private readonly symbolMail: Mail[] = []
  private readonly stopMsMax: number
  private readonly silenceMsMax: number
  private readonly lookMs: number
  private readonly spins: number
  /** By worker: its heartbeats when they last changed, and when that was. */
  private readonly beats: { count: number; atMs: number }[] = []
  /** When the workers were last looked after. */
  private lookedAtMs = 0
  /** The first thing that broke: thrown again by every call from then on. */
  private fault: WorkerFault | undefined
  private isClosing = false
  private readonly links

  constructor(workers: Exclude<Workers, 0>, options: ThreadOptions) {
    const { silenceMsMax, stopMsMax, entry, ...engineOptions } = options
    this.silenceMsMax = silenceMsMax ?? SILENCE_MS_MAX
    this.lookMs = Math.min(LOOK_MS, this.silenceMsMax / 4)
    this.stopMsMax = stopMsMax ?? STOP_MS_MAX
    this.placement = placementOn(workers)
    const { placement } = this
    const wiring = createWiring(placement)
    this.ends = new Ends(placement, wiring)
    this.control = ControlBlock.for(placement.workers.length)
    // Spinning takes the processor from whoever is waited for, unless there is one for each.
    this.spins = availableParallelism() > placement.workers.length ? SPINS : 0
    const accountPorts: MessagePort[] = []
    const symbolPorts: MessagePort[] = []
    for (let shard = 0; shard < placement.accounts; shard += 1) {
      accountPorts.push(this.openMail(this.accountMail))
    }
    for (let shard = 0; shard < placement.symbols; shard += 1) {
      symbolPorts.push(this.openMail(this.symbolMail))
    }
    this.links = this.ends.ofSequencer(this.accountMail)
    this.sequencer = new Sequencer(this.links)
    for (const [worker, { accounts, symbols }] of placement.workers.entries()) {
      const mail = [
        ...accounts.map((shard) => accountPorts[shard]),
        ...symbols.map((shard) => symbolPorts[shard]),
      ]
      const faults = new MessageChannel()
      this.faults.push(faults.port1)
      const setup: WorkerSetup = {
        worker,
        placement,
        wiring,
        control: this.control.memory,
        options: engineOptions,
        mail,
        faults: faults.port2,
        spins: this.spins,
      }
      this.start(setup, entry ?? WORKER)
    }
  }

  parts(): ConstructorParameters<typeof Crew>[0] {
    const toSymbols = this.ends.toSymbols()
    return {
      sequencer: this.sequencer,
      accounts: this.accountMail.map((mail, shard) => ({
        mail,
        commands: this.links.commands[shard],
      })),
      symbols: this.symbolMail.map((mail, shard) => ({ mail, commands: toSymbols[shard] })),
      advance: (isDone) => this.advance(isDone),
      usage: () => this.threads.map((_, worker) => this.control.usage(worker)),
      check: (isOwed) => (isOwed === true ? this.look() : this.check()),
      drain: (isDone) => this.drain(isDone),
      end: () => this.end(),
    }
  }

  private openMail(into: Mail[]): MessagePort {
    const { port1, port2 } = new MessageChannel()
    // Nothing listens: letters are taken when they are looked for.
    port1.unref()
    into.push({
      post: (letter) => port1.postMessage(letter),
      beat: () => {},
      take: () => receiveMessageOnPort(port1)?.message,
    })
    return port2
  }

  private start(setup: WorkerSetup, entry: URL): void {
    const thread = new Worker(entry, {
      workerData: setup,
      transferList: [...setup.mail, setup.faults],
      name: `onefill-${setup.worker}`,
    })
    const { worker } = setup
    // An end that nobody asked for is kept for the next call: nobody could catch it here.
    thread.on('error', (error: Error) => this.notice(worker, `: ${error.message}`))
    thread.on('exit', (code) => this.notice(worker, ` with code ${code}`))
    this.exits.push(new Promise((resolve) => thread.once('exit', resolve)))
    thread.unref()
    this.threads.push(thread)
    this.beats.push({ count: 0, atMs: performance.now() })
  }

  /** Waits until `isDone`, passing on what waits for room meanwhile. */
  private advance(isDone: () => boolean): void {
    const { sequencer, ends, spins, lookMs } = this
    const bell = ends.bell(0)
    const isNews = () => sequencer.canStep() || isDone()
    this.check()
    for (;;) {
      if (isDone()) return
      if (sequencer.step()) continue
      if (!bell.wait(isNews, lookMs, spins)) this.look()
    }
  }

  private drain(isDone: () => boolean): void {
    const untilMs = performance.now() + this.stopMsMax
    try {
      this.advance(() => isDone() || performance.now() > untilMs)
    } catch (error) {
      // It was thrown to whoever called before, or nobody will call again.
      if (!(error instanceof WorkerFault)) throw error
    }
  }

  /** Throws if a worker has broken. */
  private check(): void {
    if (this.fault !== undefined) throw this.fault
    assert(!this.isClosing, 'the exchange is not closed')
    for (let worker = 0; worker < this.threads.length; worker += 1) {
      if (this.control.isFaulted(worker)) throw this.fail(this.reportOf(worker, ''))
    }
  }

  /** Throws if a worker has broken, or was silent for too long. */
  private look(): void {
    this.check()
    const nowMs = performance.now()
    if (nowMs - this.lookedAtMs < this.lookMs) return
    // Nobody was waited for meanwhile: silence counts from now on.
    const isLate = nowMs - this.lookedAtMs > this.silenceMsMax
    this.lookedAtMs = nowMs
    for (const [worker, beat] of this.beats.entries()) {
      if (isLate) beat.atMs = nowMs
      const count = this.control.beats(worker)
      if (count !== beat.count) {
        beat.count = count
        beat.atMs = nowMs
      } else if (nowMs - beat.atMs > this.silenceMsMax) {
        const message = `worker ${worker} has not answered for ${this.silenceMsMax} ms`
        throw this.fail({ ...NOWHERE, message })
      }
    }
  }

  /** A thread has ended, or is about to. */
  private notice(worker: number, how: string): void {
    if (!this.isClosing && this.fault === undefined) this.fail(this.reportOf(worker, how))
  }

  /** What a worker said before it ended, if it could. */
  private reportOf(worker: number, how: string): FaultReport {
    const report: FaultReport | undefined = receiveMessageOnPort(this.faults[worker])?.message
    return report ?? { ...NOWHERE, message: `worker ${worker} has ended${how}` }
  }

  private fail(report: FaultReport): WorkerFault {
    this.fault = new WorkerFault(report)
    for (const thread of this.threads) void thread.terminate()
    return this.fault
  }

  /** Waits for the threads, which have been told to stop; then ends those that have not. */
  private async end(): Promise<void> {
    this.isClosing = true
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.stopMsMax)
    })
    await Promise.race([Promise.all(this.exits), late])
    clearTimeout(timer)
    await Promise.all(this.threads.map((thread) => thread.terminate()))
    for (const port of this.faults) port.close()
  }
}

const NOWHERE = {
  stack: '',
  actor: undefined,
  phase: '',
  round: 0,
  seq: 0,
  command: '',
} as const
