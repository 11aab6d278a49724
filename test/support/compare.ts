// What of the reports and answers of engine and model must be equal, and where they first differ.

type Json = Record<string, unknown>

/** The fields that are compared; `text` is prose and only has to be there on a refusal. */
export const COMPARED_FIELDS = [
  'seq',
  'execId',
  'execSeq',
  'execType',
  'ordStatus',
  'cmd',
  'orderId',
  'clOrdId',
  'origClOrdId',
  'account',
  'symbol',
  'side',
  'ordType',
  'timeInForce',
  'price',
  'orderQty',
  'cumQty',
  'leavesQty',
  'avgPx',
  'lastPx',
  'lastQty',
  'tradeId',
  'aggressor',
  'fee',
  'feeAsset',
  'code',
  'duplicate',
  'asset',
  'amount',
  'to',
  'transferId',
  'affected',
  'transactTime',
]

/** Fields of an order's progress, left out on refusals and duplicates. */
const PROGRESS = new Set(['cumQty', 'leavesQty', 'avgPx'])

/** Documented for `accepted` only. */
const ON_ACCEPTED = new Set(['asset', 'amount', 'to', 'affected'])

/** Fields of an order in the answer to `orders`. */
const ORDER_FIELDS = [
  'orderId',
  'clOrdId',
  'symbol',
  'side',
  'ordType',
  'timeInForce',
  'ordStatus',
  'price',
  'orderQty',
  'cumQty',
  'leavesQty',
]

/** The name of the first field that differs, or null. */
export function reportDifference(engine: Json, model: Json): string | null {
  const passing = engine.execType === 'rejected' || engine.duplicate === true
  for (const field of COMPARED_FIELDS) {
    if (passing && PROGRESS.has(field)) continue
    if (engine.execType === 'rejected' && ON_ACCEPTED.has(field)) continue
    if (engine[field] === model[field]) continue
    if (field === 'orderId' && engine.execType === 'rejected' && !(field in model)) continue
    if (field === 'side' && engine.execType === 'accepted') continue
    if (field === 'affected' && (engine[field] ?? 0) === (model[field] ?? 0)) continue
    if (field === 'avgPx' && (engine[field] ?? '0') === (model[field] ?? '0')) continue
    return field
  }
  if (engine.execType === 'rejected') {
    if (typeof engine.text !== 'string' || engine.text === '') return 'text'
  }
  return null
}

export function balancesDifference(engine: Json, model: Json): string | null {
  const balanceFields = ['available', 'held']
  const positionFields = ['qty', 'avgCost', 'realised', 'openBuyQty', 'openSellQty']
  return (
    listDifference(engine.balances, model.balances, 'asset', balanceFields) ??
    listDifference(engine.positions, model.positions, 'symbol', positionFields)
  )
}

/** Rows by name; a row that is missing is a row of zeros. */
function listDifference(
  engine: unknown,
  model: unknown,
  key: string,
  fields: string[],
): string | null {
  if (!Array.isArray(engine)) return `no list by ${key}`
  const zero = (row: Json) => fields.every((field) => row[field] === '0')
  const left = (engine as Json[]).filter((row) => !zero(row))
  const right = (model as Json[]).filter((row) => !zero(row))
  if (left.length !== right.length) return `rows by ${key}`
  for (let i = 0; i < left.length; i++) {
    for (const field of [key, ...fields]) {
      if (left[i][field] !== right[i][field]) return `${left[i][key]}.${field}`
    }
  }
  return null
}

export function ordersDifference(engine: Json, model: Json): string | null {
  const left = engine.orders as Json[]
  const right = model.orders as Json[]
  if (left.length !== right.length) return 'number of orders'
  for (let i = 0; i < left.length; i++) {
    for (const field of ORDER_FIELDS) {
      if (left[i][field] !== right[i][field]) return `order ${right[i].orderId} ${field}`
    }
    if ((left[i].avgPx ?? '0') !== (right[i].avgPx ?? '0')) return `order ${right[i].orderId} avgPx`
  }
  return null
}

export function bookDifference(engine: Json, model: Json): string | null {
  for (const side of ['bids', 'asks']) {
    const left = engine[side] as Json[]
    const right = model[side] as Json[]
    if (left.length !== right.length) return `${side}: number of levels`
    for (let i = 0; i < left.length; i++) {
      for (const field of ['price', 'qty', 'orders']) {
        if (left[i][field] !== right[i][field]) return `${side}[${i}].${field}`
      }
    }
  }
  return null
}
