// The sequencer: gives every command its seq, cuts rounds, sends each command to where its account
// lives, and puts the shards' reports of a round together again.
//
// A round is whatever its caller has gathered when there is room for one more under way.

import { EXTERNAL } from '../engine/account/account-store.ts'
import type { FinishedRound } from '../engine/engine.ts'
import { RecordLog } from '../lib/record-log.ts'
import { CM, COMMAND_WORDS, CommandKind, type CommandLog } from '../protocol/command-log.ts'
import {
  ExecType,
  POSTING_WORDS,
  REPORT_WORDS,
  ReportLog,
  RP,
  RPF,
} from '../protocol/report-log.ts'
import { Inlet } from './inlet.ts'
import type { Mail } from './letters.ts'
import { Mark } from './marks.ts'
import { Merger } from './merge.ts'
import type { Outlet } from './outlet.ts'
import { homeOf } from './placement.ts'
import type { RingConsumer } from './ring.ts'

/** The rings and the mail between the sequencer and the shards. */
export interface SequencerLinks {
  /** By shard of accounts. */
  readonly commands: readonly Outlet[]
  readonly reports: readonly RingConsumer[]
  readonly mail: readonly Mail[]
}

/** A round that was sent. */
interface Cut {
  readonly firstSeq: number
  /** Several shards report parts of one of its commands. */
  readonly hasParts: boolean
}

const POSTING_ORDER = { seq: 2, index: 3, id: 2 }
const REPORT_ORDER = { seq: RPF.seq, index: RP.index, id: RPF.orderId }

/** Cuts rounds and puts their reports together; never waits. */
export class Sequencer {
  /** The `seq` of the last command that was sent. */
  seq = 0
  /** Rounds sent and not taken. */
  underWay = 0
  private rounds = 0
  private hasParts = false
  private readonly links: SequencerLinks
  private readonly reports: readonly Inlet<ReportLog>[]
  private readonly cut: Cut[] = []
  private taken = new ReportLog()
  private readonly postings = new RecordLog(POSTING_WORDS, 16)
  private readonly postingsOf: readonly RecordLog[]
  private readonly reportLogs: readonly ReportLog[]
  private readonly reportMerger: Merger
  private readonly postingMerger: Merger

  constructor(links: SequencerLinks) {
    this.links = links
    this.reports = links.reports.map((ring) => new Inlet(ring, new ReportLog()))
    this.reportLogs = this.reports.map(({ log }) => log)
    this.reportMerger = new Merger(this.reports.length, REPORT_ORDER)
    this.postingMerger = new Merger(this.reports.length, POSTING_ORDER)
    this.postingsOf = links.reports.map(() => new RecordLog(POSTING_WORDS, 16))
  }

  /** Goes on behind a restored state. */
  restore(seq: number): void {
    this.seq = seq
  }

  /** Sends a round; the commands are the caller's again when it returns. */
  send(commands: CommandLog): void {
    const { links } = this
    const firstSeq = this.seq + 1
    const { count, definitions } = commands
    commands.stamp(firstSeq)
    if (links.commands.length === 1) {
      links.commands[0].putRun(commands.i32, 0, count)
    } else {
      for (let number = 0; number < count; number += 1) this.route(commands, number * COMMAND_WORDS)
    }
    // The letter is there before the mark that tells of it.
    if (definitions.length > 0) {
      const letter = { what: 'definitions', definitions: [...definitions] }
      for (const mail of links.mail) mail.post(letter)
    }
    this.rounds += 1
    for (const outlet of links.commands) {
      outlet.putMark(Mark.round, definitions.length, firstSeq, this.rounds)
      outlet.flush()
    }
    this.seq += count
    this.cut.push({ firstSeq, hasParts: this.hasParts })
    this.hasParts = false
    this.underWay += 1
  }

  /** Sends what waited for room and takes in reports; whether there was anything to do. */
  step(): boolean {
    let isMoved = false
    for (const outlet of this.links.commands) isMoved = outlet.flush() || isMoved
    for (const inlet of this.reports) isMoved = inlet.drain() || isMoved
    return isMoved
  }

  /** Whether {@link step} would do something. */
  canStep(): boolean {
    return (
      this.links.commands.some((outlet) => outlet.canFlush()) ||
      this.reports.some((inlet) => inlet.canDrain())
    )
  }

  /** Whether the oldest round under way is finished. */
  get isFinished(): boolean {
    return this.underWay > 0 && this.reports.every(({ mark }) => mark !== 0)
  }

  /** The oldest round, which is finished. Its logs are valid until the next call. */
  take(): FinishedRound {
    const { reports, postings, postingsOf } = this
    const { firstSeq, hasParts } = this.cut.shift() as Cut
    postings.clear()
    for (const [shard, { log }] of reports.entries()) splitPostings(log, postingsOf[shard])
    this.postingMerger.merge(postingsOf, postings)
    this.taken.clear()
    if (reports.length === 1) this.taken = reports[0].exchange(this.taken)
    else this.reportMerger.merge(this.reportLogs, this.taken)
    if (hasParts) joinParts(this.taken)
    for (const inlet of reports) inlet.clear()
    this.underWay -= 1
    return { firstSeq, reports: this.taken, postings }
  }

  // --- where commands go -----------------------------------------------------------------------

  private route(commands: CommandLog, at: number): void {
    const { i32 } = commands
    const { commands: outlets } = this.links
    const account = i32[at + CM.account]
    switch (i32[at + CM.kind]) {
      case CommandKind.deposit: {
        // At who pays; who receives it reports it, once it hears what became of it.
        const payer = homeOf(EXTERNAL, outlets.length)
        if (payer !== homeOf(account, outlets.length)) outlets[payer].put(i32, at)
        break
      }
      case CommandKind.asset:
      case CommandKind.instrument:
      case CommandKind.account:
      case CommandKind.limits:
      case CommandKind.halt:
      case CommandKind.resume:
      case CommandKind.time:
        return this.sendAll(i32, at)
      case CommandKind.killSwitch:
        if (account !== 0) break
        this.hasParts = true
        return this.sendAll(i32, at)
      default:
    }
    outlets[homeOf(account, outlets.length)].put(i32, at)
  }

  private sendAll(i32: Int32Array, at: number): void {
    for (const outlet of this.links.commands) outlet.put(i32, at)
  }
}

/** Moves the postings behind a shard's reports into a log of their own. */
function splitPostings(log: ReportLog, into: RecordLog): void {
  into.clear()
  const { i32, count } = log
  let from = count
  while (from > 0 && i32[(from - 1) * REPORT_WORDS] === Mark.posting) from -= 1
  for (let number = from; number < count; number += 1) {
    const at = number * REPORT_WORDS + 2
    const to = into.append()
    into.i32.set(i32.subarray(at, at + POSTING_WORDS), to)
  }
  log.count = from
}

/** Adds the shards' parts to the report of the command that all of them carried out. */
function joinParts(log: ReportLog): void {
  const { i32 } = log
  let accepted = 0
  let kept = 0
  for (let number = 0; number < log.count; number += 1) {
    const at = number * REPORT_WORDS
    const execType = i32[at + RP.execType] & 255
    if (execType === ExecType.none) {
      // The shard that speaks is the first: its report comes before the others' parts.
      i32[accepted + RP.affected] += i32[at + RP.affected]
      continue
    }
    const to = kept * REPORT_WORDS
    if (to !== at) i32.copyWithin(to, at, at + REPORT_WORDS)
    if (execType === ExecType.accepted) accepted = to
    kept += 1
  }
  log.count = kept
}
