// Execution reports as the engine wrote them, each made an object only when it is looked at: who
// writes thousands of them to a wire needs no objects (gateway/report-writer.ts).

import type { Directory } from './directory.ts'
import { type Report, readReport } from './report-json.ts'
import { REPORT_WORDS, type ReportLog } from './report-log.ts'

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

  /** Report `number`, from 0, as an object: the same one each time. */
  at(number: number): Report {
    this.objects[number] ??= readReport(this.log, number * REPORT_WORDS, this.names)
    return this.objects[number]
  }

  *[Symbol.iterator](): Generator<Report> {
    for (let number = 0; number < this.length; number += 1) yield this.at(number)
  }
}
