// A running exchange and what it tells people: recovery, who leads, the journal, snapshots, the
// end.

import { performance } from 'node:perf_hooks'
import type { Workers } from '../actors/placement.ts'
import {
  DurableExchange,
  type DurableOptions,
  type RecoveryReport,
  type Retention,
  type SnapshotTaken,
  Standby,
} from '../durable.ts'
import type { StoreProblem } from '../persistence/problem.ts'
import { EXIT, explain, say } from './outcome.ts'
import { Progress } from './progress.ts'
import { StdioGateway } from './stdio.ts'

export interface ServeOptions {
  readonly url: string
  readonly workers: Workers
  readonly standby: boolean
  readonly stdio: boolean
  /** Goes on after the end of standard input. */
  readonly stay: boolean
  readonly snapshotEvery: number
  readonly retention: Retention
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** How often it is looked who leads, in ms. */
const LOOK_MS = 100

/** Runs until a signal, the end of input, or what ends it; returns the exit code. */
export async function run(options: ServeOptions): Promise<number> {
  const gateway = options.stdio ? new StdioGateway() : undefined
  const end = Promise.withResolvers<void>()
  // Whoever waits for it begins to once the exchange is there.
  end.promise.catch(() => {})
  const member = await join(options, gateway, end.reject)
  try {
    onFirstSignal(end.resolve)
    member.leading.catch(end.reject)
    const input = gateway?.read(() => member.exchange)
    input?.then(() => options.stay || end.resolve(), end.reject)
    await end.promise
    await member.stop()
    return EXIT.done
  } catch (error) {
    const code = explain(error, { isTrading: true })
    await member.abandon()
    return code
  }
}

/** An exchange that leads, or is to. */
class Member {
  /** The exchange, once it leads. */
  exchange: DurableExchange | undefined
  readonly leading: Promise<unknown>
  private readonly standby: Standby | undefined
  private readonly watch: NodeJS.Timeout | undefined

  constructor(of: DurableExchange | Standby) {
    if (of instanceof DurableExchange) {
      this.exchange = of
      this.leading = Promise.resolve()
      return
    }
    this.standby = of
    this.leading = of.leading.then((exchange) => {
      this.exchange = exchange
      clearInterval(this.watch)
      const { seq, term } = exchange.recovery
      say(`leading from seq ${seq} on, term ${term}${againIn(exchange.recovery)}`)
    })
    let said = ''
    this.watch = setInterval(() => {
      if (of.leader === said || of.leader === '') return
      said = of.leader
      say(`standing by at seq ${of.seq}: ${said} leads`)
    }, LOOK_MS)
  }

  /** Settles, takes a snapshot if it leads, and ends. */
  async stop(): Promise<void> {
    clearInterval(this.watch)
    await this.standby?.close()
    // It may have come to lead at the last moment.
    this.exchange ??= await this.standby?.leading.catch(() => undefined)
    await this.exchange?.close({ snapshot: true })
    say(`stopped at seq ${this.exchange?.seq ?? this.standby?.seq}`)
  }

  /** Ends what is left after it broke. */
  async abandon(): Promise<void> {
    clearInterval(this.watch)
    await this.exchange?.close()
  }
}

/** Recovers, and leads or stands by. */
async function join(
  options: ServeOptions,
  gateway: StdioGateway | undefined,
  onBroken: (error: unknown) => void,
): Promise<Member> {
  const { url, workers, snapshotEvery, retention } = options
  const progress = new Progress('recovering')
  const durable: DurableOptions = {
    ...{ url, workers, snapshotEvery, retention, onBroken },
    onReports: gateway?.onReports ?? (() => {}),
    onProgress: (seq, ofSeq) => progress.at(seq, ofSeq),
    onJournal: journalTeller(),
    onSnapshot: tellSnapshot,
  }
  const startMs = performance.now()
  try {
    if (options.standby) {
      const standby = await Standby.open(durable)
      progress.end()
      say(`standing by: recovered seq ${standby.seq} in ${msSince(startMs)} ms`)
      return new Member(standby)
    }
    const exchange = await DurableExchange.open(durable)
    progress.end()
    tellRecovery(exchange.recovery)
    return new Member(exchange)
  } finally {
    progress.end()
  }
}

const msSince = (startMs: number): number => Math.round(performance.now() - startMs)

function tellRecovery(recovery: RecoveryReport): void {
  const { snapshotSeq, skipped, seq, hash, ms, term } = recovery
  for (const snapshot of skipped) say(`skipped: ${snapshot}`)
  const from = snapshotSeq === 0 ? 'the beginning' : `the snapshot at seq ${snapshotSeq}`
  const replayed = `${(seq - snapshotSeq).toLocaleString('en')} commands in ${Math.round(ms)} ms`
  const again = againIn(recovery)
  say(`recovered from ${from} + ${replayed}: seq ${seq}, state ${hash}, term ${term}${again}`)
}

/** Reports that may have gone out before and come again. */
const againIn = ({ republished }: RecoveryReport): string =>
  republished === 0 ? '' : `; reports of ${republished} rounds come again`

/** Says when the journal goes away, and when it is back. */
function journalTeller(): (problem: StoreProblem | null) => void {
  let isAway = false
  return (problem) => {
    if ((problem !== null) === isAway || problem?.code === 'FENCED') return
    isAway = problem !== null
    say(isAway ? `the journal is away: ${problem?.message}` : 'the journal is back')
  }
}

function tellSnapshot(outcome: SnapshotTaken | Error): void {
  if (outcome instanceof Error) return say(outcome.message)
  const { seq, hash, deleted } = outcome
  const { snapshots, rows } = deleted
  say(`snapshot at seq ${seq}, state ${hash}; deleted ${snapshots} snapshots, ${rows} rows`)
}

/** Tells the first signal; the next one has its usual effect and ends the process. */
function onFirstSignal(tell: () => void): void {
  const once = () => {
    for (const signal of SIGNALS) process.removeListener(signal, once)
    say('stopping')
    tell()
  }
  for (const signal of SIGNALS) process.on(signal, once)
}
