// What a running exchange says of itself in the log, and marks on the board of its health.

import type { RecoveryReport, SnapshotTaken } from '../durable.ts'
import { hostsOf } from '../gateway/nats-address.ts'
import type { NatsProblem } from '../gateway/nats-problem.ts'
import type { StoreProblem } from '../persistence/problem.ts'
import type { HealthBoard } from './health.ts'
import type { Log } from './log.ts'

export class Teller {
  private readonly log: Log
  private readonly board: HealthBoard
  private isJournalAway = false
  private readonly denied = new Set<string>()

  constructor(log: Log, board: HealthBoard) {
    this.log = log
    this.board = board
  }

  /** The journal goes away, and is back; bound. */
  readonly onJournal = (problem: StoreProblem | null): void => {
    this.board.isJournalReady = problem === null
    // That it is another one's now is said where it ends.
    if ((problem !== null) === this.isJournalAway || problem?.code === 'FENCED') return
    this.isJournalAway = problem !== null
    if (problem === null) return this.log.info({ event: 'journal-back' }, 'the journal is back')
    const fields = { event: 'journal-away', code: problem.code }
    this.log.warn(fields, `the journal is away: ${problem.message}`)
  }

  /** NATS goes away, and is back; bound. */
  readonly onConnection = (isThere: boolean): void => {
    this.board.isNatsThere = isThere
    if (isThere) this.log.info({ event: 'nats-back' }, 'NATS is back')
    else this.log.warn({ event: 'nats-away' }, 'NATS is away: reports wait until it is back')
  }

  /** Whether another exchange serves there, nobody knows; once. */
  tellCannotAsk(): void {
    const why = 'NATS does not let the exchange ask whether another one serves there'
    if (this.denied.has(why)) return
    this.denied.add(why)
    this.log.warn({ event: 'nats-denied' }, `${why}: see deploy/nats/onefill.conf`)
  }

  /** Each of its refusals once; bound. */
  readonly onDenied = ({ message }: NatsProblem): void => {
    this.board.isNatsDenied = true
    if (this.denied.has(message)) return
    this.denied.add(message)
    this.log.error({ event: 'nats-denied' }, message)
  }

  /** Reports of before cannot be asked for again; bound. */
  readonly onForgotten = (error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error)
    this.log.warn({ event: 'forgotten' }, `reports are not remembered over a restart: ${why}`)
  }

  /** A snapshot was taken, or could not be; bound. */
  readonly onSnapshot = (outcome: SnapshotTaken | Error): void => {
    if (outcome instanceof Error) {
      return this.log.warn({ event: 'snapshot-failed' }, outcome.message)
    }
    const { seq, hash, deleted } = outcome
    const { snapshots, rows } = deleted
    const taken = `snapshot at seq ${seq}, state ${hash}`
    const text = `${taken}; deleted ${snapshots} snapshots, ${rows} rows`
    this.log.info({ event: 'snapshot', seq, hash, ...deleted }, text)
  }

  /** What a start came to. */
  tellRecovery(recovery: RecoveryReport): void {
    const { snapshotSeq, skipped, seq, hash, ms, term } = recovery
    for (const snapshot of skipped) {
      this.log.warn({ event: 'snapshot-skipped' }, `skipped: ${snapshot}`)
    }
    const from = snapshotSeq === 0 ? 'the beginning' : `the snapshot at seq ${snapshotSeq}`
    const replayed = `${(seq - snapshotSeq).toLocaleString('en')} commands in ${Math.round(ms)} ms`
    const text = `recovered from ${from} + ${replayed}: seq ${seq}, state ${hash}, term ${term}`
    const fields = { event: 'recovered', snapshotSeq, seq, hash, ms: Math.round(ms), term }
    this.log.info(fields, `${text}${againIn(recovery)}`)
  }

  /** It leads, and where it is to be found. */
  tellLead(
    recovery: RecoveryReport,
    { natsUrl, httpUrl }: { natsUrl: string | undefined; httpUrl: string | undefined },
  ): void {
    const { seq, term, republished } = recovery
    const text = `leading from seq ${seq} on, term ${term}${againIn(recovery)}`
    this.log.info({ event: 'leads', seq, term, republished }, text)
    const nats = natsUrl === undefined ? undefined : hostsOf(natsUrl)
    const places = [
      ...(nats === undefined ? [] : [`NATS at ${nats}`]),
      ...(httpUrl === undefined ? [] : [`HTTP at ${httpUrl}`]),
    ]
    const where = places.length === 0 ? '' : `: ${places.join(', ')}`
    this.log.info({ event: 'ready', nats, http: httpUrl }, `ready${where}`)
  }
}

/** Reports that may have gone out before and come again. */
const againIn = ({ republished }: RecoveryReport): string =>
  republished === 0 ? '' : `; reports of ${republished} rounds come again`
