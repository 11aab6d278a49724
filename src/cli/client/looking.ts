// `onefill book`, `balances`, `orders`, `fills` and `status`: looks at a running exchange.

import type { Command } from 'commander'
import {
  type BalancesAnswer,
  type Book,
  type BookLevel,
  ClientProblem,
  MarketClient,
  type NumberedReport,
  OnefillClient,
  type OpenOrder,
} from '../../client.ts'
import { DEPTH_LEVELS_MAX } from '../../gateway/bounds.ts'
import { wholeFrom } from '../arguments.ts'
import { EXIT, say } from '../outcome.ts'
import { write } from '../output.ts'
import {
  type AccountOptions,
  asClient,
  asTrader,
  type ClientOptions,
  isRefused,
  untilStopped,
  withClient,
} from './connecting.ts'
import { type Column, lineOf, tableOf } from './table.ts'
import { tellOutages } from './watching.ts'

interface BookOptions extends ClientOptions {
  readonly watch: boolean
  readonly depth: number
}

interface FillsOptions extends AccountOptions {
  readonly follow: boolean
  readonly from: number
}

/** Adds the commands. */
export function registerLooking(program: Command): void {
  asClient(program.command('book'))
    .description("Print an instrument's best levels.")
    .argument('<symbol>', 'the instrument')
    .option('--watch', 'again after every change, until Ctrl+C', false)
    .option(
      '--depth <n>',
      `levels a side, up to ${DEPTH_LEVELS_MAX}`,
      wholeFrom(1, DEPTH_LEVELS_MAX),
      10,
    )
    .addHelpText('after', '\nExamples:\n  $ onefill book NVDA\n  $ onefill book NVDA --watch')
    .action(book)
  asTrader(program.command('balances'))
    .description("Print an account's balances and positions.")
    .addHelpText('after', '\nExample:\n  $ onefill balances --account alice')
    .action(balances)
  asTrader(program.command('orders'))
    .description("Print an account's open orders.")
    .addHelpText('after', '\nExample:\n  $ onefill orders --account alice')
    .action(orders)
  asTrader(program.command('fills'))
    .description("Print an account's trades, as far back as the exchange has them in memory.")
    .option('--follow', 'and those to come, each once, until Ctrl+C', false)
    .option('--from <execSeq>', 'begin with the report of this number', wholeFrom(1), 1)
    .addHelpText('after', '\nExample:\n  $ onefill fills --account alice --follow')
    .action(fills)
  asClient(program.command('status'))
    .description('Print how the exchange is.')
    .addHelpText(
      'after',
      '\nExit codes: 0 it leads; 1 it does not; 4 nobody there.\n\nExample:\n  $ onefill status',
    )
    .action(status)
}

const print = (lines: readonly string[]) => write(process.stdout, `${lines.join('\n')}\n`)
const printJson = (value: unknown) => print([JSON.stringify(value)])

const asAnybody = (options: ClientOptions, work: (client: MarketClient) => Promise<number>) =>
  withClient(options, { connect: MarketClient.connect, more: {} }, work)
const asAccount = (options: AccountOptions, work: (client: OnefillClient) => Promise<number>) =>
  withClient(options, { connect: OnefillClient.connect, more: { account: options.account } }, work)

// --- book
// -----------------------------------------------------------------------------------------

async function book(symbol: string, options: BookOptions): Promise<void> {
  await asAnybody(options, async (client) => {
    // First of all an answer: whoever watches a book that is not there would wait for ever. A
    // trader may not be allowed to ask; then only a book will show that there is one.
    await client.status().catch((error) => {
      if (!(error instanceof ClientProblem && error.code === 'NOT_PERMITTED')) throw error
    })
    if (options.watch) void tellOutages(client)
    let printed: Promise<void> = Promise.resolve()
    const { ready, stop } = client.book(symbol, (each) => {
      printed = showBook(each, options)
      // The pipe is gone, which ends it below.
      printed.catch(() => {})
      if (!options.watch) stop()
    })
    await ready
    if (options.watch) await untilStopped()
    await printed
    return EXIT.done
  })
}

function showBook({ symbol, seq, bids, asks }: Book, { depth, json, watch }: BookOptions) {
  const [buys, sells] = [bids.slice(0, depth), asks.slice(0, depth)]
  if (json) return printJson({ symbol, seq, bids: buys, asks: sells })
  const rows = Array.from({ length: Math.max(buys.length, sells.length) }, (_, n) => ({
    ...{ bid: buys.at(n), ask: sells.at(n) },
  }))
  const lines = [`${symbol} at seq ${seq}`, ...tableOf(BOOK_COLUMNS, rows)]
  const clear = watch && process.stdout.isTTY ? '\x1b[H\x1b[2J' : ''
  return write(process.stdout, `${clear}${lines.join('\n')}\n${watch ? '\n' : ''}`)
}

interface BookRow {
  readonly bid: BookLevel | undefined
  readonly ask: BookLevel | undefined
}
const right = <T>(head: string, cell: Column<T>['cell']): Column<T> => ({
  ...{ head, cell, isRight: true },
})
const left = <T>(head: string, cell: Column<T>['cell']): Column<T> => ({ head, cell })

const BOOK_COLUMNS: readonly Column<BookRow>[] = [
  right('orders', ({ bid }) => bid?.orders),
  right('quantity', ({ bid }) => bid?.qty),
  right('bid', ({ bid }) => bid?.price),
  right('ask', ({ ask }) => ask?.price),
  right('quantity', ({ ask }) => ask?.qty),
  right('orders', ({ ask }) => ask?.orders),
]

// --- an account
// -----------------------------------------------------------------------------------

async function balances(options: AccountOptions): Promise<void> {
  await asAccount(options, async (client) => {
    const found = await client.balances()
    if (options.json) await printJson(found)
    if (isRefused(found)) return EXIT.failed
    if (!options.json) await print(balanceLines(found as BalancesAnswer))
    return EXIT.done
  })
}

function balanceLines({ balances: has, positions }: BalancesAnswer): string[] {
  const assets: Column<BalancesAnswer['balances'][number]>[] = [
    left('asset', ({ asset }) => asset),
    right('available', ({ available }) => available),
    right('held', ({ held }) => held),
  ]
  const lines = tableOf(assets, has)
  if (positions.length === 0) return lines
  const columns: Column<BalancesAnswer['positions'][number]>[] = [
    left('position', ({ symbol }) => symbol),
    right('quantity', ({ qty }) => qty),
    right('average cost', ({ avgCost }) => avgCost),
    right('realised', ({ realised }) => realised),
    right('open buys', ({ openBuyQty }) => openBuyQty),
    right('open sells', ({ openSellQty }) => openSellQty),
  ]
  return [...lines, '', ...tableOf(columns, positions)]
}

const ORDER_COLUMNS: readonly Column<OpenOrder>[] = [
  right('order', ({ orderId }) => orderId),
  left('symbol', ({ symbol }) => symbol),
  left('side', ({ side }) => side),
  right('price', ({ price }) => price),
  right('quantity', ({ orderQty }) => orderQty),
  right('filled', ({ cumQty }) => cumQty),
  left('status', ({ ordStatus }) => ordStatus),
  left('clOrdId', ({ clOrdId }) => clOrdId),
]

async function orders(options: AccountOptions): Promise<void> {
  await asAccount(options, async (client) => {
    const found = await client.orders()
    if (options.json) await printJson(found)
    if (isRefused(found)) return EXIT.failed
    if (!options.json && 'orders' in found) await print(tableOf(ORDER_COLUMNS, found.orders))
    return EXIT.done
  })
}

const FILL_COLUMNS: readonly Column<NumberedReport>[] = [
  right('execSeq', ({ execSeq }) => execSeq),
  left('symbol', ({ symbol }) => symbol),
  left('side', ({ side }) => side),
  right('quantity', ({ lastQty }) => lastQty),
  right('price', ({ lastPx }) => lastPx),
  right('fee', ({ fee, feeAsset }) => `${fee} ${feeAsset}`),
  left('status', ({ ordStatus }) => ordStatus),
  left('clOrdId', ({ clOrdId }) => clOrdId),
]
/** Of a table whose rows are not known yet. */
const FILL_WIDTHS = [8, 8, 4, 10, 12, 12, 15, 0]

async function fills(options: FillsOptions): Promise<void> {
  await asAccount(options, async (client) => {
    // Says so if there is no such account, or nobody there.
    if (isRefused(await client.orders())) return EXIT.failed
    const { json, follow, from: fromExecSeq } = options
    if (follow) void tellOutages(client)
    const line = (cells: string[]) => lineOf(FILL_COLUMNS, cells, FILL_WIDTHS)
    if (!json) await print([line(FILL_COLUMNS.map(({ head }) => head))])
    let printed: Promise<void> = Promise.resolve()
    const show = (report: NumberedReport) => {
      if (report.execType !== 'trade') return
      const cells = FILL_COLUMNS.map(({ cell }) => String(cell(report) ?? ''))
      printed = json ? printJson(report) : print([line(cells)])
      // The pipe is gone, which ends it below.
      printed.catch(() => {})
    }
    const { ready, stop } = client.onReport(show, {
      fromExecSeq,
      onGone: ({ from, to }) =>
        say(`reports ${from} to ${to} are no longer in memory; the table order_audit has them`),
    })
    await ready
    if (follow) await untilStopped()
    stop()
    await printed
    return EXIT.done
  })
}

// --- status
// ---------------------------------------------------------------------------------------

async function status(options: ClientOptions): Promise<void> {
  await asAnybody(options, async (client) => {
    const found = await client.status()
    if (options.json) await printJson(found)
    else {
      const rows = Object.entries(found).map(([what, value]) => `${what.padEnd(12)}${tell(value)}`)
      await print(rows)
    }
    return found.status === 'leading' ? EXIT.done : EXIT.failed
  })
}

const tell = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value)
