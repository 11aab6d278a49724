// Execution reports in binary: 48 words each.
//
//   i32 0  execType in the low byte, code << 8
//       1  order flags | ordStatus << 8 | command kind << 16 | marks << 24
//       2  account          3  symbol, or asset     4  index (-1: the order's id)
//       5  orders affected, or receiving account
//       6  .. 13 clOrdId or transferId              14 .. 21 origClOrdId
//   f64 11 seq       12 orderId, of a refused command the one it named   13 priceTicks
//       14 orderQty lots            15 cumQty lots
//       16 leavesQty lots           17 cumulated notional               18 lastPx ticks
//       19 lastQty lots             20 tradeId                          21 fee or amount
//       22 clock in ms, 0: never set                23 execSeq, 0: the report is no account's

import { RecordLog } from '../lib/record-log.ts'

export const REPORT_WORDS = 48

export const ExecType = {
  none: 0,
  new: 1,
  trade: 2,
  canceled: 3,
  expired: 4,
  replaced: 5,
  restated: 6,
  rejected: 7,
  accepted: 8,
} as const
export type ExecType = (typeof ExecType)[keyof typeof ExecType]
export const EXEC_TYPE_NAMES = Object.keys(ExecType) as (keyof typeof ExecType)[]

export const OrdStatus = {
  none: 0,
  new: 1,
  partiallyFilled: 2,
  filled: 3,
  canceled: 4,
  expired: 5,
  rejected: 6,
} as const
export type OrdStatus = (typeof OrdStatus)[keyof typeof OrdStatus]
export const ORD_STATUS_NAMES = Object.keys(OrdStatus) as (keyof typeof OrdStatus)[]

/** Bits of the marks. */
export const Mark = { aggressor: 1, duplicate: 2 } as const

export const RP = {
  execType: 0,
  flags: 1,
  account: 2,
  symbol: 3,
  index: 4,
  affected: 5,
  id: 6,
  orig: 14,
} as const
export const RPF = {
  seq: 11,
  orderId: 12,
  priceTicks: 13,
  orderQty: 14,
  cumQty: 15,
  leavesQty: 16,
  cumNotional: 17,
  lastTicks: 18,
  lastLots: 19,
  tradeId: 20,
  amount: 21,
  nowMs: 22,
  execSeq: 23,
} as const

export class ReportLog extends RecordLog {
  constructor(initial = 256) {
    super(REPORT_WORDS, initial)
  }
}

/** One posting: a line of a transaction whose amounts sum to zero per asset. 8 words:
 *  i32 0 account, 1 asset, 2 transaction's index, 3 event's index; f64 2 seq, 3 amount. */
export const POSTING_WORDS = 8
