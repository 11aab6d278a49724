// Pieces of a written report that are the same each time: names of fields, and values of which
// there are few. They are copied in words of four bytes, several times as fast as byte by byte.

import { CODE_NAMES, codeText } from '../protocol/codes.ts'
import { COMMAND_NAMES } from '../protocol/command-log.ts'
import type { Directory } from '../protocol/directory.ts'
import { isMarket, sideOf, timeInForceOf } from '../protocol/order-flags.ts'
import { TIME_IN_FORCE_NAMES } from '../protocol/report-json.ts'
import { EXEC_TYPE_NAMES, ORD_STATUS_NAMES } from '../protocol/report-log.ts'

/** Bytes to be written again and again. */
export interface Fragment {
  readonly bytes: number
  /** Four bytes each; what the last one has beyond the end is written over by what follows. */
  readonly words: readonly number[]
}

/** How a format writes the parts of a report. */
export interface ReportForm {
  /** The name of the first field, whose value is a number. */
  readonly first: (name: string) => Buffer
  /** The name of a field whose value is a number. */
  readonly number: (name: string) => Buffer
  /** The name of a field whose value is a text, up to where that begins. */
  readonly text: (name: string) => Buffer
  /** Fields that are not the first, name and value. */
  readonly fields: (fields: Readonly<Record<string, string | boolean>>) => Buffer
}

/** Fragments by a small number, each made when it is first asked for. */
class FragmentTable {
  private readonly made: (Fragment | undefined)[] = []
  private readonly make: (number: number) => Fragment

  constructor(make: (number: number) => Fragment) {
    this.make = make
  }

  of(number: number): Fragment {
    const known = this.made[number]
    if (known !== undefined) return known
    const fragment = this.make(number)
    this.made[number] = fragment
    return fragment
  }
}

/** Side, type and time in force are the low bits of an order's flags. */
const TERMS_BITS = 15

/** The fragments of one format. */
export class ReportFragments {
  readonly seq: Fragment
  readonly execId: Fragment
  readonly execSeq: Fragment
  readonly orderId: Fragment
  readonly clOrdId: Fragment
  readonly origClOrdId: Fragment
  readonly price: Fragment
  readonly orderQty: Fragment
  readonly cumQty: Fragment
  readonly leavesQty: Fragment
  readonly avgPx: Fragment
  readonly lastPx: Fragment
  readonly lastQty: Fragment
  readonly tradeId: Fragment
  readonly fee: Fragment
  readonly transferId: Fragment
  readonly amount: Fragment
  readonly affected: Fragment
  readonly duplicate: Fragment
  /** By whether it is so. */
  readonly aggressor: readonly Fragment[]
  readonly execTypes: readonly Fragment[]
  readonly ordStatuses: readonly Fragment[]
  readonly commands: readonly Fragment[]
  readonly codes: readonly Fragment[]
  private readonly termsTable: FragmentTable
  private readonly form: ReportForm

  constructor(form: ReportForm) {
    this.form = form
    const number = (name: string) => fragmentOf(form.number(name))
    const text = (name: string) => fragmentOf(form.text(name))
    this.seq = fragmentOf(form.first('seq'))
    this.execSeq = number('execSeq')
    this.affected = number('affected')
    this.execId = text('execId')
    this.orderId = text('orderId')
    this.clOrdId = text('clOrdId')
    this.origClOrdId = text('origClOrdId')
    this.price = text('price')
    this.orderQty = text('orderQty')
    this.cumQty = text('cumQty')
    this.leavesQty = text('leavesQty')
    this.avgPx = text('avgPx')
    this.lastPx = text('lastPx')
    this.lastQty = text('lastQty')
    this.tradeId = text('tradeId')
    this.fee = text('fee')
    this.transferId = text('transferId')
    this.amount = text('amount')
    this.duplicate = this.fields({ duplicate: true })
    this.aggressor = [false, true].map((aggressor) => this.fields({ aggressor }))
    this.execTypes = EXEC_TYPE_NAMES.map((execType) => this.fields({ execType }))
    this.ordStatuses = ORD_STATUS_NAMES.map((ordStatus) => this.fields({ ordStatus }))
    this.commands = COMMAND_NAMES.map((cmd) => this.fields({ cmd }))
    this.codes = CODE_NAMES.map((code, at) => this.fields({ code, text: codeText(at) }))
    this.termsTable = new FragmentTable((flags) =>
      this.fields({
        side: sideOf(flags) === 0 ? 'buy' : 'sell',
        ordType: isMarket(flags) ? 'market' : 'limit',
        timeInForce: TIME_IN_FORCE_NAMES[timeInForceOf(flags)],
      }),
    )
  }

  /** Side, type and time in force: three fields. */
  terms(flags: number): Fragment {
    return this.termsTable.of(flags & TERMS_BITS)
  }

  /** Fields whole. */
  fields(fields: Readonly<Record<string, string | boolean>>): Fragment {
    return fragmentOf(this.form.fields(fields))
  }
}

/** Names of one directory as fields, by handle. */
export class NameFragments {
  readonly of: Directory
  readonly account: FragmentTable
  readonly to: FragmentTable
  readonly symbol: FragmentTable
  readonly asset: FragmentTable
  readonly feeAsset: FragmentTable

  constructor(names: Directory, made: ReportFragments) {
    const table = (fieldsOf: (handle: number) => Record<string, string>) =>
      new FragmentTable((handle) => made.fields(fieldsOf(handle)))
    this.of = names
    this.account = table((handle) => ({ account: names.accountOf(handle) }))
    this.to = table((handle) => ({ to: names.accountOf(handle) }))
    this.symbol = table((handle) => ({ symbol: names.instrumentOf(handle).symbol }))
    this.asset = table((handle) => ({ asset: names.assetOf(handle).asset }))
    this.feeAsset = table((handle) => ({ feeAsset: names.assetOf(handle).asset }))
  }
}

function fragmentOf(bytes: Buffer): Fragment {
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4)
  bytes.copy(padded)
  const words = Array.from({ length: padded.length / 4 }, (_, i) => padded.readInt32BE(i * 4))
  return { bytes: bytes.length, words }
}
