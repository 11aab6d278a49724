// Execution reports as the engine wrote them, each made an object only when it is looked at: who
// writes thousands of them to a wire needs no objects (gateway/report-writer.ts).

import type { Directory } from './directory.ts'
import { type Report, readReport } from './report-json.ts'
import {
  EXEC_TYPE_NAMES,
  ExecType,
  Mark,
  REPORT_WORDS,
  type ReportLog,
  RP,
  RPF,
} from './report-log.ts'

/**
 * Reports in order, out of a log that its owner uses again: valid until then, which whoever gives
 * them says. The objects that `at` and the iterator give stay as they are.
 */
export class Reports implements Iterable<Report> {
  readonly log: ReportLog
  readonly names: Directory
  private readonly objects: Report[] = []

  constructor(log: ReportLog, names: Directory) {
    this.log = log
    this.names = names
  }

  get length(): number {
    return this.log.count
  }

  /** The `seq` of report `number`, from 0; undefined if there is no such report. */
  seqAt(number: number): number | undefined {
    if (number < 0 || number >= this.length) return undefined
    return this.log.f64[((number * REPORT_WORDS) >> 1) + RPF.seq]
  }

  /** Whether it says that a symbol's book is another one now. */
  changesBook(number: number): boolean {
    const word = number * REPORT_WORDS
    const { i32 } = this.log
    const execType = i32[word] & 255
    if (execType === ExecType.rejected || execType === ExecType.accepted) return false
    return ((i32[word + RP.flags] >>> 24) & Mark.duplicate) === 0
  }

  /** Whether it is a taker's fill: one for each trade. */
  isTakersFill(number: number): boolean {
    return ((this.log.i32[number * REPORT_WORDS + RP.flags] >>> 24) & Mark.aggressor) !== 0
  }

  /** The account that report `number` is one of; undefined if it is nobody's. */
  accountAt(number: number): string | undefined {
    const word = number * REPORT_WORDS
    const { i32, f64 } = this.log
    return f64[(word >> 1) + RPF.execSeq] === 0
      ? undefined
      : this.names.accountOf(i32[word + RP.account])
  }

  /** Report `number`, from 0, as an object: the same one each time. */
  at(number: number): Report {
    this.objects[number] ??= readReport(this.log, number * REPORT_WORDS, this.names)
    return this.objects[number]
  }

  /** What report `number` says has happened. */
  execTypeAt(number: number): keyof typeof ExecType {
    return EXEC_TYPE_NAMES[this.log.i32[number * REPORT_WORDS] & 255]
  }

  /** The code of a refusal, as an index of `CODE_NAMES`; 0 if it is none. */
  refusalAt(number: number): number {
    const first = this.log.i32[number * REPORT_WORDS]
    return (first & 255) === ExecType.rejected ? first >>> 8 : 0
  }

  /** All as objects. */
  toArray(): Report[] {
    for (let number = 0; number < this.length; number += 1) this.at(number)
    return this.objects
  }

  *[Symbol.iterator](): Generator<Report> {
    for (let number = 0; number < this.length; number += 1) yield this.at(number)
  }
}
