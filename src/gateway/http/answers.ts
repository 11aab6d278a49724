// What HTTP answers, as schemas: documents are made of them, and tests hold answers against them.
// The exchange's own types are what they must fit.

import { z } from 'zod'
import type { BalancesAnswer, BookAnswer, OpenOrder, OrdersAnswer } from '../../engine/answers.ts'
import { CODE_NAMES } from '../../protocol/codes.ts'
import type { InstrumentsAnswer } from '../../protocol/instrument-json.ts'
import type { Report } from '../../protocol/report-json.ts'
import { EXEC_TYPE_NAMES, ORD_STATUS_NAMES } from '../../protocol/report-log.ts'
import type { TradeMessage } from '../trade-message.ts'
import { HTTP_PROBLEMS } from './problem.ts'

/** One schema a field, none forgotten. */
type Shape<T> = { readonly [field in keyof Required<T>]: z.ZodType }

const text = z.string()
const whole = z.int().min(0)
const decimal = z.string().regex(/^-?[0-9]+(\.[0-9]+)?$/)
const side = z.enum(['buy', 'sell'])
const ordType = z.enum(['limit', 'market'])
const code = z.enum(CODE_NAMES.slice(1))

const report = {
  seq: whole.optional(),
  execId: text.optional(),
  execSeq: whole.optional(),
  line: whole.optional(),
  execType: z.enum(EXEC_TYPE_NAMES.filter((name) => name !== 'none')),
  ordStatus: z.enum(ORD_STATUS_NAMES.filter((name) => name !== 'none')).optional(),
  cmd: text.optional(),
  orderId: text.optional(),
  clOrdId: text.optional(),
  origClOrdId: text.optional(),
  account: text.optional(),
  symbol: text.optional(),
  side: side.optional(),
  ordType: ordType.optional(),
  timeInForce: z.enum(['GTC', 'IOC', 'FOK']).optional(),
  price: decimal.optional(),
  orderQty: decimal.optional(),
  cumQty: decimal.optional(),
  leavesQty: decimal.optional(),
  avgPx: decimal.optional(),
  lastPx: decimal.optional(),
  lastQty: decimal.optional(),
  tradeId: text.optional(),
  aggressor: z.boolean().optional(),
  fee: decimal.optional(),
  feeAsset: text.optional(),
  code: code.optional(),
  field: text.optional(),
  text: text.optional(),
  duplicate: z.literal(true).optional(),
  asset: text.optional(),
  amount: decimal.optional(),
  to: text.optional(),
  transferId: text.optional(),
  affected: whole.optional(),
  transactTime: z.iso.datetime().optional(),
} satisfies Shape<Report>
const reportSchema = z.strictObject(report)

const position = {
  symbol: text,
  qty: decimal,
  avgCost: decimal,
  realised: decimal,
  openBuyQty: decimal,
  openSellQty: decimal,
} satisfies Shape<BalancesAnswer['positions'][number]>
const positionSchema = z.strictObject(position)

const balances = {
  query: z.literal('balances'),
  seq: whole,
  account: text,
  balances: z.array(z.strictObject({ asset: text, available: decimal, held: decimal })),
  positions: z.array(positionSchema),
  // All of them: an answer over HTTP has no bound.
} satisfies Shape<Omit<BalancesAnswer, 'more'>>

const order = {
  orderId: text,
  clOrdId: text,
  symbol: text,
  side,
  ordType,
  timeInForce: z.enum(['GTC', 'IOC', 'FOK']),
  ordStatus: z.enum(['new', 'partiallyFilled']),
  price: decimal,
  orderQty: decimal,
  cumQty: decimal,
  leavesQty: decimal,
  avgPx: decimal,
} satisfies Shape<OpenOrder>

const orders = {
  query: z.literal('orders'),
  seq: whole,
  account: text,
  orders: z.array(z.strictObject(order)),
  more: z.literal(true).optional(),
} satisfies Shape<OrdersAnswer>

const level = z.strictObject({ price: decimal, qty: decimal, orders: whole })
const book = {
  query: z.literal('book'),
  seq: whole,
  symbol: text,
  bids: z.array(level),
  asks: z.array(level),
} satisfies Shape<BookAnswer>

const trade = {
  symbol: text,
  tradeId: text,
  seq: whole,
  price: decimal,
  qty: decimal,
  side,
  transactTime: z.iso.datetime().optional(),
} satisfies Shape<TradeMessage>

const bound = decimal.optional()
const instrument = {
  ...{ symbol: text, base: text, quote: text, tickSize: decimal, lotSize: decimal },
  ...{ makerFeeRate: decimal, takerFeeRate: decimal },
  ...{ minQty: bound, maxQty: bound, minNotional: bound, maxNotional: bound },
  ...{ minPrice: bound, maxPrice: bound, referencePrice: bound },
} satisfies Shape<InstrumentsAnswer['instruments'][number]>

const instruments = {
  query: z.literal('instruments'),
  seq: whole,
  instruments: z.array(z.strictObject(instrument)),
} satisfies Shape<InstrumentsAnswer>

const problemSchema = z.strictObject({
  type: z.string().describe('urn:onefill:problem: and the code'),
  title: text,
  status: z.int().min(400).max(599),
  detail: z.string().describe('why, and what to do'),
  code: z.enum([...CODE_NAMES.slice(1), ...Object.keys(HTTP_PROBLEMS)]),
  field: z.string().describe('the field, parameter or header that is wrong').optional(),
  index: whole.describe('which command of a batch is malformed, from 0').optional(),
  report: reportSchema.describe("the exchange's word on the command").optional(),
  reports: z.array(reportSchema).describe('the same, of a batch').optional(),
  oldest: whole.optional(),
  newest: whole.optional(),
})

/** By the name that documents give them. */
export const ANSWERS = {
  Report: reportSchema,
  Reports: z.array(reportSchema),
  Order: z.strictObject({ seq: whole, account: text, ...order }),
  Orders: z.strictObject(orders),
  Balances: z.strictObject(balances),
  Positions: z.strictObject({ seq: whole, account: text, positions: z.array(positionSchema) }),
  Fills: z.strictObject({
    account: text,
    fills: z.array(reportSchema),
    upTo: whole.describe('the execSeq up to which this is all: the next since'),
    newest: whole.describe("the account's newest execSeq that is known here"),
    more: z.boolean(),
  }),
  Book: z.strictObject(book),
  Trades: z.strictObject({ symbol: text, trades: z.array(z.strictObject(trade)) }),
  Instruments: z.strictObject(instruments),
  Problem: problemSchema,
} as const

export type AnswerName = keyof typeof ANSWERS
