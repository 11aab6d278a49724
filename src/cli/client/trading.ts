// `onefill order`, `replace` and `cancel`: one command to a running exchange, and its reply.

import { Argument, type Command, Option } from 'commander'
import { type Cancel, OnefillClient, type Reply, type Report } from '../../client.ts'
import { EXIT, EXIT_HELP, explain, Inability, Misuse } from '../outcome.ts'
import { write } from '../output.ts'
import { type AccountOptions, asTrader, isRefused, withClient } from './connecting.ts'

interface OrderOptions extends AccountOptions {
  readonly price?: string
  readonly type?: 'limit' | 'market'
  readonly tif?: 'GTC' | 'IOC' | 'FOK'
  readonly clOrdId?: string
  readonly postOnly?: true
  readonly reduceOnly?: true
  readonly selfTrade?: 'cancelNewest' | 'cancelOldest' | 'cancelBoth' | 'decrement'
}

interface TargetOptions extends AccountOptions {
  readonly symbol?: string
  readonly clOrdId?: string
}

interface CancelOptions extends TargetOptions {
  readonly all?: true
  readonly side?: 'buy' | 'sell'
}

interface ReplaceOptions extends TargetOptions {
  readonly price: string
  readonly qty: string
  readonly newClOrdId?: string
}

/** What an id may be, in help. */
export const ID = '1 to 36 visible ASCII characters'

/** Adds the commands. */
export function registerTrading(program: Command): void {
  asTrader(program.command('order'))
    .description('Send an order and print the first report; with a price it is a limit order.')
    .addArgument(new Argument('<side>', 'which side').choices(['buy', 'sell']))
    .argument('<symbol>', 'the instrument')
    .argument('<quantity>', 'a decimal, in units of its base asset')
    .option('--price <decimal>', 'limit for one unit, in its quote asset')
    .addOption(new Option('--type <type>', 'kind of order').choices(['limit', 'market']))
    .addOption(new Option('--tif <time>', 'time in force').choices(['GTC', 'IOC', 'FOK']))
    .option('--cl-ord-id <id>', `the id to send it again under, ${ID}; made unless given`)
    .option('--post-only', 'only if it rests')
    .option('--reduce-only', 'only if it shrinks the position')
    .addOption(
      new Option('--self-trade <mode>', 'when it meets an order of the same account').choices([
        ...['cancelNewest', 'cancelOldest', 'cancelBoth', 'decrement'],
      ]),
    )
    .addHelpText('after', `${EXIT_HELP}${ORDER_EXAMPLES}`)
    .action(order)
  asTrader(program.command('cancel'))
    .description('Cancel an open order, or with --all those of the account.')
    .argument('[order]', 'its orderId')
    .option('--cl-ord-id <id>', 'its clOrdId')
    .option('--symbol <symbol>', 'its instrument; looked for unless given')
    .option('--all', 'all open orders, of the symbol and side if they are given')
    .addOption(new Option('--side <side>', 'with --all').choices(['buy', 'sell']))
    .addHelpText('after', `${EXIT_HELP}${CANCEL_EXAMPLES}`)
    .action(cancel)
  asTrader(program.command('replace'))
    .description("Change an open order's price and total quantity.")
    .argument('[order]', 'its orderId')
    .option('--cl-ord-id <id>', 'its clOrdId')
    .option('--symbol <symbol>', 'its instrument; looked for unless given')
    .requiredOption('--price <decimal>', 'the new price of one unit, in its quote asset')
    .requiredOption('--qty <decimal>', 'the new total, what is filled included')
    .option('--new-cl-ord-id <id>', `the id it has from then on, ${ID}; made unless given`)
    .addHelpText('after', `${EXIT_HELP}${REPLACE_EXAMPLES}`)
    .action(replace)
}

const ORDER_EXAMPLES = `
Examples:
  $ onefill order buy NVDA 100 --price 167.52 --account alice
  $ onefill order sell NVDA 50 --account bob --tif FOK
  $ onefill order buy NVDA 100 --price 167.52 --account alice --post-only --cl-ord-id a-1 --json`

const CANCEL_EXAMPLES = `
Examples:
  $ onefill cancel 17 --account alice
  $ onefill cancel --cl-ord-id a-1 --symbol NVDA --account alice
  $ onefill cancel --all --symbol NVDA --side buy --account alice`

const REPLACE_EXAMPLES = `
Examples:
  $ onefill replace 17 --price 167.53 --qty 80 --account alice`

type Side = 'buy' | 'sell'

async function order(side: Side, symbol: string, orderQty: string, options: OrderOptions) {
  await asAccount(options, async (client) => {
    const { price, type: ordType, tif: timeInForce, clOrdId, postOnly, reduceOnly } = options
    const reply = await client.submit({
      ...{ side, symbol, orderQty, price, ordType, timeInForce, clOrdId, postOnly, reduceOnly },
      selfTradePrevention: options.selfTrade,
    })
    return answer(reply, options)
  })
}

async function cancel(orderId: string | undefined, options: CancelOptions): Promise<void> {
  const { all, symbol, side } = options
  const count = countOf(orderId, options)
  if (all === true && count > 0) return misuse('which order? Give one, or --all.')
  if (all !== true && side !== undefined) return misuse('--side goes with --all.')
  if (all !== true && count !== 1) return misuse(WHICH)
  await asAccount(options, async (client) => {
    if (all === true) return answer(await client.massCancel({ symbol, side }), options)
    const target = await targetOf(client, orderId, options)
    return answer(isReply(target) ? target : await client.cancel(target), options)
  })
}

async function replace(orderId: string | undefined, options: ReplaceOptions): Promise<void> {
  if (countOf(orderId, options) !== 1) return misuse(WHICH)
  await asAccount(options, async (client) => {
    const { price, qty: orderQty, newClOrdId: clOrdId } = options
    const target = await targetOf(client, orderId, options)
    if (isReply(target)) return answer(target, options)
    return answer(await client.replace({ ...target, price, orderQty, clOrdId }), options)
  })
}

const WHICH = 'which order? Give its orderId, or --cl-ord-id.'

/** How many orders are named. */
const countOf = (orderId: string | undefined, { clOrdId }: TargetOptions): number =>
  [orderId, clOrdId].filter((id) => id !== undefined).length

function misuse(text: string): void {
  process.exitCode = explain(new Misuse(text))
}

/**
 * Which order, and where it is: its symbol is looked for among the open ones. The refusal, where
 * the account has none to look at.
 */
async function targetOf(
  client: OnefillClient,
  orderId: string | undefined,
  { clOrdId: origClOrdId, symbol, newClOrdId }: TargetOptions & Pick<ReplaceOptions, 'newClOrdId'>,
): Promise<Cancel | Report> {
  if (symbol !== undefined) return { orderId, origClOrdId, symbol }
  const answered = await client.orders()
  if (isReply(answered)) return answered
  const open = answered.orders
  const found =
    open.find((each) => each.orderId === orderId || each.clOrdId === origClOrdId) ??
    // Sent before, a replace may have given it this id: sent again, it is answered as it was.
    open.find((each) => each.clOrdId === newClOrdId)
  if (found !== undefined) return { orderId, origClOrdId, symbol: found.symbol }
  const which = `no open order ${orderId ?? origClOrdId} of ${client.account}`
  throw new Inability(
    newClOrdId === undefined
      ? `${which}: filled, canceled or never was.`
      : `${which}: filled, canceled, never was, or was replaced; with --symbol it is sent again.`,
  )
}

/** Whether it is the exchange's word on a command, which here is a refusal. */
const isReply = (what: object): what is Report => 'execType' in what

const asAccount = (options: AccountOptions, work: (client: OnefillClient) => Promise<number>) =>
  withClient(options, { connect: OnefillClient.connect, more: { account: options.account } }, work)

type Asked = Pick<AccountOptions, 'json'>

/** Prints the reply; the exit code. */
export async function answer(reply: Reply, { json }: Asked): Promise<number> {
  if (json) await write(process.stdout, `${JSON.stringify(reply)}\n`)
  if (isRefused(reply)) return EXIT.failed
  if (!json) await write(process.stdout, `${sentenceOf(reply)}\n`)
  return EXIT.done
}

/** The limit; of a market order, how far it may go. */
function priceOf({ ordType, side, price }: Reply): string | undefined {
  if (ordType !== 'market') return price === undefined ? undefined : `@ ${price}`
  if (price === undefined) return 'at market'
  return `at market, ${side === 'buy' ? 'at most' : 'at least'} ${price}`
}

/** A reply in a line: what, which, and what else it says. */
function sentenceOf(reply: Reply): string {
  const { execType, duplicate, cmd, orderId, clOrdId, affected, account } = reply
  const { side, symbol, orderQty, to, asset, amount, transferId } = reply
  // A repeated order's reply has the command too, which is what the first word says.
  const what = execType === 'accepted' ? cmd : undefined
  const parts = [
    [execType, duplicate === true ? '(again)' : undefined, what],
    orderId === undefined ? [account] : ['order', orderId],
    to === undefined ? [] : ['to', to],
    [side, orderQty, symbol, priceOf(reply)],
    [amount, asset],
    [affected === undefined ? undefined : `${affected} orders`],
    [clOrdId === undefined ? undefined : `clOrdId ${clOrdId}`],
    [transferId === undefined ? undefined : `transferId ${transferId}`],
  ]
  const words = parts.map((part) => part.filter((word) => word !== undefined).join(' '))
  return words.filter((part) => part !== '').join('  ')
}
