// The double-entry record of a round: each transaction's lines sum to zero per asset.

import { RecordLog } from '../../lib/record-log.ts'
import { POSTING_WORDS } from '../../protocol/report-log.ts'

export class Postings {
  readonly log = new RecordLog(POSTING_WORDS, 64)
  /** Off by default: nothing reads them then. */
  readonly enabled: boolean

  constructor(enabled: boolean) {
    this.enabled = enabled
  }

  /**
   * One line: `amount` smallest units more (or less) for an account, available and held together.
   * `index` names the transaction within the command, `event` the event that wrote the line.
   */
  add(
    seq: number,
    index: number,
    account: number,
    asset: number,
    amount: number,
    event = index,
  ): void {
    if (!this.enabled) return
    const at = this.log.append()
    const { i32, f64 } = this.log
    i32[at] = account
    i32[at + 1] = asset
    i32[at + 2] = index
    i32[at + 3] = event
    f64[(at >> 1) + 2] = seq
    f64[(at >> 1) + 3] = amount
  }
}
