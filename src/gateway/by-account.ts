// Reports as they go out: by account, in messages' worth.

import { REPORT_WORDS, RP, RPF } from '../protocol/report-log.ts'
import type { Reports } from '../protocol/reports.ts'
import { EXEC_REPORTS_MAX } from './bounds.ts'

/** Some of an account's reports, gapless, as many as a message holds at most. */
export interface Run {
  readonly account: string
  /** The `execSeq` of the first. */
  readonly first: number
  /** Their places among the reports. */
  readonly numbers: readonly number[]
}

/** All reports but those of no account, each account's in order. */
export function runsByAccount(reports: Reports): Run[] {
  const { i32, f64, count } = reports.log
  const byAccount = new Map<number, number[]>()
  for (let number = 0; number < count; number += 1) {
    const word = number * REPORT_WORDS
    if (f64[(word >> 1) + RPF.execSeq] === 0) continue
    const account = i32[word + RP.account]
    const numbers = byAccount.get(account)
    if (numbers === undefined) byAccount.set(account, [number])
    else numbers.push(number)
  }
  const runs: Run[] = []
  for (const [handle, all] of byAccount) {
    const account = reports.names.accountOf(handle)
    for (let from = 0; from < all.length; from += EXEC_REPORTS_MAX) {
      const numbers =
        all.length <= EXEC_REPORTS_MAX ? all : all.slice(from, from + EXEC_REPORTS_MAX)
      const first = f64[((numbers[0] * REPORT_WORDS) >> 1) + RPF.execSeq]
      runs.push({ account, first, numbers })
    }
  }
  return runs
}
