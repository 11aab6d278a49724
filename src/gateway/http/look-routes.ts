// Routes that only look: an account's money, positions and fills; books, trades, instruments.

import type { BalancesAnswer, BookAnswer } from '../../engine/answers.ts'
import type { CodeName } from '../../protocol/codes.ts'
import { isName } from '../../protocol/command-schema.ts'
import { RESEND_REPORTS_MAX } from '../bounds.ts'
import type { ReportHistory } from '../history.ts'
import type { Clerk } from './clerk.ts'
import { isProblem, type Problem, problemOf } from './problem.ts'
import type { RecentTrades } from './recent-trades.ts'
import { type Call, type Route, type Success, success } from './routes.ts'

/** What is kept of reports that went out. */
export interface Memory {
  readonly history: Pick<ReportHistory, 'range'>
  readonly trades: RecentTrades
}

type Served = Promise<Success | Problem>

const said = (answer: object): Success | Problem => (isProblem(answer) ? answer : success(answer))

/** Trades in an answer, unless it is said how many. */
const TRADES = 100

const askBalances = (clerk: Clerk, account: string) =>
  clerk.query<BalancesAnswer>({ cmd: 'balances', account }, 'UNKNOWN_ACCOUNT')

async function balances(clerk: Clerk, { path }: Call): Served {
  return said(await askBalances(clerk, path.account))
}

async function positions(clerk: Clerk, { path }: Call): Served {
  const answer = await askBalances(clerk, path.account)
  if (isProblem(answer)) return answer
  const { seq, account } = answer
  return success({ seq, account, positions: answer.positions })
}

/** Fills among the reports that memory has; without `since`, from the oldest. */
function fills({ history }: Memory, account: string, since: number | undefined) {
  const reportsFrom = (from: number) => history.range(account, from, from + RESEND_REPORTS_MAX - 1)
  const first = reportsFrom((since ?? 0) + 1)
  const found = first.kind === 'gone' && since === undefined ? reportsFrom(first.oldest) : first
  const { newest } = found
  if (found.kind === 'gone') {
    const { oldest } = found
    return problemOf('HISTORY_GONE', { field: 'since', oldest, newest })
  }
  const { reports } = found
  const upTo = reports.at(-1)?.execSeq ?? since ?? newest
  const trades = reports.filter(({ execType }) => execType === 'trade')
  return success({ account, fills: trades, upTo, newest, more: upTo < newest })
}

/** The book of the symbol in the path. */
async function book(clerk: Clerk, { path: { symbol }, query: { depth } }: Call): Served {
  if (!isName(symbol)) return problemOf('MALFORMED', { field: 'symbol', detail: NO_NAME })
  const query = { cmd: 'book', symbol, ...(depth !== undefined && { depth }) }
  const missing: CodeName = 'UNKNOWN_SYMBOL'
  return said(await clerk.query<BookAnswer>(query, missing))
}

const NO_NAME = 'a name is 1 to 36 of A-Z a-z 0-9 _ -'

async function trades({ trades: kept }: Memory, clerk: Clerk, call: Call): Served {
  // Whether there is such a symbol, and somebody leads here.
  const answer = await book(clerk, { ...call, query: { depth: 1 } })
  if (isProblem(answer)) return answer
  const { symbol } = call.path
  return success({ symbol, trades: kept.of(symbol, call.query.limit ?? TRADES) })
}

const accountRoutes = (memory: Memory): readonly Route[] => [
  {
    ...{
      method: 'GET',
      path: '/v1/accounts/{account}',
      name: 'account',
      scope: 'read',
      counts: 'request',
    },
    ...{ about: 'Balances and positions.', status: 200, answer: 'Balances' },
    ...{ problems: [404], serve: balances },
  },
  {
    ...{ method: 'GET', path: '/v1/accounts/{account}/positions', name: 'positions' },
    ...{ about: 'Positions.', scope: 'read', counts: 'request', status: 200, answer: 'Positions' },
    ...{ problems: [404], serve: positions },
  },
  {
    ...{ method: 'GET', path: '/v1/accounts/{account}/fills', name: 'fills', scope: 'read' },
    ...{ about: 'Fills since a report.', counts: 'request', query: ['since'] },
    ...{ status: 200, answer: 'Fills', problems: [410] },
    more: [
      'Looks at 500 reports behind since; go on with upTo while there is more.',
      'Over a restart the newest 50,000 reports are remembered.',
      'It keeps the newest 500,000 of all accounts, 256 MiB; what is older is 410.',
      'The table order_audit has that.',
    ],
    serve: async (clerk, { path, query }) =>
      clerk.isOpen ? fills(memory, path.account, query.since) : problemOf('NOT_LEADING'),
  },
]

const marketRoutes = (memory: Memory): readonly Route[] => [
  {
    ...{ method: 'GET', path: '/v1/book/{symbol}', name: 'book', about: 'A book, by levels.' },
    ...{
      counts: 'request',
      query: ['depth'],
      status: 200,
      answer: 'Book',
      problems: [404],
      serve: book,
    },
  },
  {
    ...{ method: 'GET', path: '/v1/trades/{symbol}', name: 'trades', about: 'The last trades.' },
    ...{ counts: 'request', query: ['limit'], status: 200, answer: 'Trades', problems: [404] },
    more: [
      'Oldest first.',
      'Kept are those that this process has published: 1,000 a symbol, 100,000 in all.',
    ],
    serve: (clerk, call) => trades(memory, clerk, call),
  },
  {
    ...{ method: 'GET', path: '/v1/instruments', name: 'instruments', about: 'All instruments.' },
    ...{ counts: 'request', status: 200, answer: 'Instruments', problems: [] },
    serve: async (clerk) => said(await clerk.instruments()),
  },
]

/** Routes that look, at what is kept in `memory` among it. */
export const lookRoutes = (memory: Memory): readonly Route[] => [
  ...accountRoutes(memory),
  ...marketRoutes(memory),
]
