// Routes of an account's orders: in, changed, taken back, looked at.

import type { OpenOrder, OrdersAnswer } from '../../engine/answers.ts'
import { isOfKind } from '../../protocol/command-schema.ts'
import type { Report } from '../../protocol/report-json.ts'
import { ANSWERED_MAX } from '../bounds.ts'
import { isAgain } from '../desk.ts'
import { decodeFrame } from '../frame.ts'
import type { Clerk } from './clerk.ts'
import { isProblem, type Problem, type ProblemMore, problemOf, refusalProblem } from './problem.ts'
import { type Call, type Route, type Success, success } from './routes.ts'

type Command = Record<string, unknown>

const malformed = (field: string, detail: string, more: ProblemMore = {}): Problem =>
  problemOf('MALFORMED', { field, detail, ...more })

// --- bodies -------------------------------------------------------------------------------------

/** The commands in a body, which are the caller's own; bounds as over NATS. */
function commandsOf(body: Uint8Array, isBatch: boolean): Command[] | Problem {
  const frame = decodeFrame(body)
  if (!frame.ok) return malformed(frame.field, frame.text, { index: frame.index })
  if (frame.format !== 'json') return malformed('frame', 'the body is not JSON')
  const isFitting = frame.isBatch === isBatch
  if (!isFitting) return malformed('frame', isBatch ? NO_ARRAY : NO_OBJECT)
  const isObject = (each: unknown) => typeof each === 'object' && each !== null
  const index = frame.commands.findIndex((each) => !isObject(each) || Array.isArray(each))
  if (index < 0) return frame.commands as Command[]
  return malformed('cmd', 'a command is an object', isBatch ? { index } : {})
}

const NO_ARRAY = 'the body is an array of commands'
const NO_OBJECT = 'the body is one object; several commands go to /v1/orders:batch'

/** The one command in a body, with the key for its `clOrdId` where it has none. */
function commandOf({ body, idempotencyKey }: Call): Command | Problem {
  const commands = commandsOf(body, false)
  if (isProblem(commands)) return commands
  const [command] = commands
  if (idempotencyKey === undefined) return command
  if (!Object.hasOwn(command, 'clOrdId')) command.clOrdId = idempotencyKey
  if (command.clOrdId === idempotencyKey) return command
  return problemOf('IDEMPOTENCY_KEY_MISMATCH', { field: 'Idempotency-Key' })
}

// --- which order --------------------------------------------------------------------------------

/** How a command names the order in the path. */
function targetOf({ path: { id }, query: { by = 'orderId' } }: Call): Command | Problem {
  const isGood = isOfKind(by === 'orderId' ? 'orderId' : 'id', id)
  if (!isGood) return malformed(by, 'the path has no such id; see by')
  return by === 'orderId' ? { orderId: id } : { origClOrdId: id }
}

/** The open order in the path, or that there is none. */
async function findOrder(clerk: Clerk, call: Call): Promise<FoundOrder | Problem> {
  const target = targetOf(call)
  if (isProblem(target)) return target
  const { account } = call.principal
  const found = await clerk.query<OrdersAnswer>({ cmd: 'orders', account })
  if (isProblem(found)) return found
  const { id } = call.path
  const { by = 'orderId' } = call.query
  const order = found.orders.find((each) => each[by] === id)
  if (order === undefined) return problemOf('UNKNOWN_ORDER', { status: 404, field: by })
  return { seq: found.seq, account, ...order }
}

type FoundOrder = OpenOrder & { readonly seq: number; readonly account: string }

/** The symbol of the order in the path, where the request does not say it. */
async function findSymbol(clerk: Clerk, call: Call): Promise<string | Problem> {
  // To look for it costs; a cancel that says it is never held up.
  const held = await call.spend(0)
  const found = held ?? (await findOrder(clerk, call))
  return isProblem(found) ? found : found.symbol
}

// --- outcomes -----------------------------------------------------------------------------------

function outcomeOf(reports: readonly Report[] | Problem): Report | Problem {
  if (isProblem(reports)) return reports
  const [report] = reports
  return report.execType === 'rejected' ? refusalProblem(report, 'UNKNOWN_ORDER') : report
}

const said = (outcome: Report | Problem): Success | Problem =>
  isProblem(outcome) ? outcome : success(outcome)

async function submitNew(clerk: Clerk, call: Call): Promise<Success | Problem> {
  const command = commandOf(call)
  if (isProblem(command)) return command
  const outcome = outcomeOf(await clerk.submit(call.principal.account, 'new', [command]))
  return isProblem(outcome) ? outcome : success(outcome, `/v1/orders/${outcome.orderId}`)
}

async function replace(clerk: Clerk, call: Call): Promise<Success | Problem> {
  const command = commandOf(call)
  if (isProblem(command)) return command
  const target = targetOf(call)
  if (isProblem(target)) return target
  const twice = ['orderId', 'origClOrdId'].find((field) => Object.hasOwn(command, field))
  if (twice !== undefined) return malformed(twice, 'the path says which order')
  const isSaid = Object.hasOwn(command, 'symbol')
  const symbol = isSaid ? command.symbol : await findSymbol(clerk, call)
  if (isProblem(symbol)) return symbol
  const { account } = call.principal
  return said(
    outcomeOf(await clerk.submit(account, 'replace', [{ ...command, symbol, ...target }])),
  )
}

async function cancel(clerk: Clerk, call: Call): Promise<Success | Problem> {
  const target = targetOf(call)
  if (isProblem(target)) return target
  const symbol = call.query.symbol ?? (await findSymbol(clerk, call))
  if (typeof symbol !== 'string') return symbol
  const { account } = call.principal
  return said(outcomeOf(await clerk.submit(account, 'cancel', [{ symbol, ...target }])))
}

async function massCancel(clerk: Clerk, { principal, query }: Call): Promise<Success | Problem> {
  return said(outcomeOf(await clerk.submit(principal.account, 'massCancel', [{ ...query }])))
}

const isCancel = ({ cmd }: Command): boolean => cmd === 'cancel' || cmd === 'massCancel'

async function batch(clerk: Clerk, call: Call): Promise<Success | Problem> {
  const commands = commandsOf(call.body, true)
  if (isProblem(commands)) return commands
  const orders = commands.filter((each) => !isCancel(each)).length
  const held = orders > 0 ? await call.spend(orders) : undefined
  if (held !== undefined) return held
  const reports = await clerk.submit(call.principal.account, 'batch', commands)
  if (isProblem(reports)) return reports
  // Nothing was taken in: the whole may be sent again.
  const [{ code }] = reports
  const isRefused = reports.every((each) => isAgain(each.code))
  return isRefused && code !== undefined ? problemOf(code, { reports }) : success(reports)
}

async function look(clerk: Clerk, call: Call): Promise<Success | Problem> {
  const order = await findOrder(clerk, call)
  return isProblem(order) ? order : success(order)
}

async function list(clerk: Clerk, { principal, query }: Call): Promise<Success | Problem> {
  const { account } = principal
  const page = { limit: ANSWERED_MAX, ...query }
  const answer = await clerk.query<OrdersAnswer>({ cmd: 'orders', account, ...page })
  return isProblem(answer) ? answer : success(answer)
}

// --- the routes ---------------------------------------------------------------------------------

const CANCELS =
  'Never held up by rate limits, unless it leaves out symbol: to look for the order counts.'

export const ORDER_ROUTES: readonly Route[] = [
  {
    ...{ method: 'POST', path: '/v1/orders', name: 'newOrder', about: 'Send an order.' },
    ...{ scope: 'trade', counts: 'order', body: 'NewOrder', isKeyed: true },
    ...{ status: 201, answer: 'Report', problems: [409, 413, 415, 422], serve: submitNew },
    more: [
      'Answers once it is durable, with its first report; trades come after it.',
      'The same again, under the same clOrdId, is carried out once.',
      'Its answer is the first outcome again, marked duplicate.',
    ],
  },
  {
    ...{ method: 'GET', path: '/v1/orders', name: 'openOrders', about: 'Open orders.' },
    ...{ scope: 'read', counts: 'request', query: ['after'] },
    ...{ status: 200, answer: 'Orders', problems: [422], serve: list },
    more: ['By orderId, at most 1,000; with more, go on with after.'],
  },
  {
    ...{ method: 'DELETE', path: '/v1/orders', name: 'massCancel' },
    ...{ about: 'Cancel all orders, of a symbol or of a side.', scope: 'trade', counts: 'nothing' },
    ...{ query: ['symbol', 'side'], status: 200, answer: 'Report' },
    ...{ problems: [422], serve: massCancel },
    more: [
      'Never held up by rate limits.',
      'affected says how many the books were asked to cancel.',
    ],
  },
  {
    ...{
      method: 'POST',
      path: '/v1/orders:batch',
      name: 'batch',
      scope: 'trade',
      counts: 'nothing',
    },
    ...{ about: 'Send up to 1,000 commands, carried out in their order.', body: 'Batch' },
    ...{ status: 200, answer: 'Reports', problems: [413, 415, 429], serve: batch },
    more: [
      'Each gets its own report or refusal, in their order; the status is 200 whatever they say.',
      'Costs as many as there are commands that are no cancels.',
    ],
  },
  {
    ...{ method: 'GET', path: '/v1/orders/{id}', name: 'order', about: 'An open order.' },
    ...{ scope: 'read', counts: 'request', query: ['by'] },
    ...{ status: 200, answer: 'Order', problems: [404, 422], serve: look },
    more: [
      'What is filled, canceled or replaced is no longer open: 404.',
      'The fills of an account tell what became of it.',
    ],
  },
  {
    ...{
      method: 'PATCH',
      path: '/v1/orders/{id}',
      name: 'replaceOrder',
      scope: 'trade',
      counts: 'order',
    },
    ...{ about: 'Replace an order: new price, new total quantity.', query: ['by'] },
    ...{ body: 'ReplaceOrder', isKeyed: true, status: 200, answer: 'Report' },
    ...{ problems: [404, 409, 413, 415, 422], serve: replace },
    more: [
      'It has an id of its own, as a new order has.',
      'Without symbol, the order is looked for, which counts as one request more.',
    ],
  },
  {
    ...{
      method: 'DELETE',
      path: '/v1/orders/{id}',
      name: 'cancelOrder',
      scope: 'trade',
      counts: 'nothing',
    },
    ...{ about: 'Cancel an order.', query: ['by', 'symbol'], status: 200, answer: 'Report' },
    ...{ problems: [404, 422, 429], serve: cancel },
    more: [CANCELS],
  },
]
