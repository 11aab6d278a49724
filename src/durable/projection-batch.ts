// What rounds come to, as rows for the projection: reports, postings, and the accounts they touch.

import type { Core } from '../actors/core.ts'
import type { FinishedRound } from '../engine/engine.ts'
import type { RecordLog } from '../lib/record-log.ts'
import type {
  Batch,
  OpeningRows,
  PostingColumns,
  StateRows,
} from '../persistence/projection/tables.ts'
import { formatUnits } from '../protocol/decimal.ts'
import type { Directory } from '../protocol/directory.ts'
import { readReport } from '../protocol/report-json.ts'
import { POSTING_WORDS, REPORT_WORDS, RP } from '../protocol/report-log.ts'

/** Rows of one statement; the largest round is written by several. */
const STATEMENT_ROWS = 10_000
/** Accounts of one statement when a state is written or compared. */
export const ACCOUNTS_PAGE = 256

/** Gathers rounds until they are sealed. */
export class BatchBuilder {
  /** The last round in it; of an empty one, the round it goes on from. */
  round: number
  /** Reports in it. */
  count = 0
  private after: number
  private readonly names: Directory
  private reports: string[] = []
  private text = ''
  private textRows = 0
  private postings: PostingColumns[] = []
  private readonly touched = new Set<number>()
  /** The next line of the command whose postings were read last. */
  private line = 0
  private lineSeq = 0

  /** Goes on behind round `after`. */
  constructor(after: number, names: Directory) {
    this.after = after
    this.round = after
    this.names = names
  }

  get isEmpty(): boolean {
    return this.round === this.after
  }

  /** Adds the next round. */
  add(round: number, { reports, postings }: FinishedRound): void {
    const { names, touched } = this
    for (let number = 0; number < reports.count; number += 1) {
      const at = number * REPORT_WORDS
      touched.add(reports.i32[at + RP.account])
      const report = JSON.stringify(readReport(reports, at, names))
      this.text += `${this.textRows === 0 ? '[' : ','}${report}`
      this.textRows += 1
      if (this.textRows === STATEMENT_ROWS) this.endStatement()
    }
    this.readPostings(postings)
    this.count += reports.count
    this.round = round
  }

  /** What was gathered, with the accounts as they are now: at the end of its last round. */
  seal(core: Core): Batch {
    const { after, round, names, touched } = this
    this.endStatement()
    // Commands that are no account's.
    touched.delete(0)
    const { reports, postings } = this
    const state = stateOf(core, names, [...touched])
    touched.clear()
    Object.assign(this, { after: round, count: 0, reports: [], postings: [] })
    return { after, round, seq: core.seq, reports, postings, state }
  }

  private endStatement(): void {
    if (this.textRows > 0) this.reports.push(`${this.text}]`)
    this.text = ''
    this.textRows = 0
  }

  private readPostings({ i32, f64, count }: RecordLog): void {
    for (let number = 0; number < count; number += 1) {
      const at = number * POSTING_WORDS
      const seq = f64[(at >> 1) + 2]
      this.line = seq === this.lineSeq ? this.line + 1 : 0
      this.lineSeq = seq
      this.touched.add(i32[at])
      const { asset, decimals } = this.names.assetOf(i32[at + 1])
      let columns = this.postings.at(-1)
      if (columns === undefined || columns.seq.length === STATEMENT_ROWS) {
        columns = noPostings()
        this.postings.push(columns)
      }
      columns.seq.push(seq)
      columns.line.push(this.line)
      columns.tx.push(`${seq}-${i32[at + 2]}`)
      columns.account.push(this.names.accountOf(i32[at]))
      columns.asset.push(asset)
      columns.amount.push(formatUnits(f64[(at >> 1) + 3], decimals))
    }
  }
}

/** What these accounts have. */
export function stateOf(core: Core, names: Directory, handles: readonly number[]): StateRows {
  const accounts = handles.map((handle) => names.accountOf(handle))
  const balances: StateRows['balances'][number][] = []
  const positions: StateRows['positions'][number][] = []
  for (const [place, handle] of handles.entries()) {
    const account = accounts[place]
    const held = core.holdings(handle)
    for (const line of held.balances) balances.push({ account, ...line })
    for (const line of held.positions) positions.push({ account, ...line })
  }
  return { accounts, balances, positions }
}

/** All account handles, some at a time. */
export function* accountPages(names: Directory): Generator<number[]> {
  const end = names.accounts.length
  for (let from = 1; from < end; from += ACCOUNTS_PAGE) {
    const count = Math.min(ACCOUNTS_PAGE, end - from)
    yield Array.from({ length: count }, (_, place) => from + place)
  }
}

/**
 * A state in which history begins, page by page: open orders, what everybody has, and postings that
 * bring it in, as one transaction before the first.
 */
export function* openingsOf(core: Core, names: Directory): Generator<OpeningRows> {
  const { seq } = core
  let line = 0
  for (const handles of accountPages(names)) {
    const state = stateOf(core, names, handles)
    const orders = handles.flatMap((handle) => {
      const account = names.accountOf(handle)
      return core.openOrders(handle).orders.map((order) => ({ account, ...order }))
    })
    const postings = noPostings()
    for (const { account, asset, available, held } of state.balances) {
      const { decimals } = names.assetOf(names.asset(asset))
      const amount = unitsOf(available, decimals) + unitsOf(held, decimals)
      postings.seq.push(seq)
      postings.line.push(line)
      postings.tx.push(`opening-${seq}`)
      postings.account.push(account)
      postings.asset.push(asset)
      postings.amount.push(formatUnits(amount, decimals))
      line += 1
    }
    yield { ...state, openOrders: JSON.stringify(orders), postings }
  }
}

/** A decimal string, signed or not, that `formatUnits` gave for so many decimals. */
function unitsOf(text: string, decimals: number): bigint {
  const [whole, fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(decimals, '0'))
}

const noPostings = (): PostingColumns => ({
  ...{ seq: [], line: [], tx: [] },
  ...{ account: [], asset: [], amount: [] },
})
