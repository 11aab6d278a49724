// `onefill admin`: definitions, money, limits and switches of a running exchange.

import { Command, InvalidArgumentError } from 'commander'
import { AdminClient, type Instrument, type Reply } from '../../client.ts'
import { LIMIT_NAMES, LIMITS, type LimitKind } from '../../protocol/limits.ts'
import { wholeFrom } from '../arguments.ts'
import { EXIT_HELP } from '../outcome.ts'
import { asClient, type ClientOptions, withClient } from './connecting.ts'
import { answer, ID } from './trading.ts'

const HELP = `${EXIT_HELP}
Examples:
  $ onefill admin asset USD 2
  $ onefill admin instrument NVDA --base NVDA --quote USD --tick 0.005 --lot 1
  $ onefill admin account alice
  $ onefill admin deposit alice 1000000 USD
  $ onefill admin limits maxOrderQty=500 priceDeviation=off --account alice --symbol NVDA
  $ onefill admin halt NVDA
  $ onefill admin kill-switch on --account alice --cancel-all`

/** Adds the group of commands. */
export function registerAdmin(program: Command): void {
  const admin = program
    .command('admin')
    .description('Run the exchange: definitions, money, limits and switches.')
    .addHelpText('after', HELP)
  // One that was not made by `command` has not inherited how wrong arguments are told.
  const add = (command: Command) => admin.addCommand(asClient(command.copyInheritedSettings(admin)))
  registerDefinitions(add)
  registerMoney(add)
  registerSwitches(add)
}

/** Does one thing, prints the reply. */
const once = (options: ClientOptions, work: (client: AdminClient) => Promise<Reply>) =>
  withClient(options, { connect: AdminClient.connect, more: {} }, async (client) =>
    answer(await work(client), options),
  )

const example = (text: string) => `\nExample:\n  $ onefill admin ${text}`

function registerDefinitions(add: (command: Command) => void): void {
  add(
    new Command('asset')
      .description('Define an asset.')
      .argument('<asset>', 'its name')
      .argument('<decimals>', 'of its amounts, 0 to 12', wholeFrom(0))
      .addHelpText('after', example('asset USD 2'))
      .action((asset: string, decimals: number, options: ClientOptions) =>
        once(options, (client) => client.asset(asset, decimals)),
      ),
  )
  const instrument = new Command('instrument')
    .description('Define what a book trades.')
    .argument('<symbol>', 'its name')
    .requiredOption('--base <asset>', 'what is traded')
    .requiredOption('--quote <asset>', 'what it is paid with')
    .requiredOption('--tick <decimal>', 'step of prices, in the quote asset')
    .requiredOption('--lot <decimal>', 'step of quantities, in the base asset')
    .addHelpText('after', example('instrument NVDA --base NVDA --quote USD --tick 0.005 --lot 1'))
    .action((symbol: string, options: InstrumentOptions) => {
      const { base, quote, tick: tickSize, lot: lotSize } = options
      const more = Object.fromEntries(MORE.map(([field]) => [field, options[field]]))
      const defined = { symbol, base, quote, tickSize, lotSize, ...more }
      return once(options, (client) => client.instrument(defined))
    })
  for (const [, flag, text] of MORE) instrument.option(`${flag} <decimal>`, text)
  add(instrument)
  add(
    new Command('account')
      .description('Make an account.')
      .argument('<account>', 'its name')
      .addHelpText('after', example('account alice'))
      .action((account: string, options: ClientOptions) =>
        once(options, (client) => client.account(account)),
      ),
  )
}

type Field = Exclude<keyof Instrument, 'symbol' | 'base' | 'quote' | 'tickSize' | 'lotSize'>

/** What an instrument may have besides. */
const MORE: readonly (readonly [Field, string, string])[] = [
  [
    'makerFeeRate',
    '--maker-fee-rate',
    'part of the notional, 0.0001 for a basis point; negative: a rebate',
  ],
  ['takerFeeRate', '--taker-fee-rate', 'part of the notional, as above'],
  ['minQty', '--min-qty', 'of an order, in the base asset'],
  ['maxQty', '--max-qty', 'of an order, in the base asset'],
  ['minNotional', '--min-notional', 'price times quantity of an order, in the quote asset'],
  ['maxNotional', '--max-notional', 'price times quantity of an order, in the quote asset'],
  ['minPrice', '--min-price', 'of an order, in the quote asset'],
  ['maxPrice', '--max-price', 'of an order, in the quote asset'],
  ['referencePrice', '--reference-price', 'where there was no trade yet, in the quote asset'],
]

type InstrumentOptions = ClientOptions &
  Record<'base' | 'quote' | 'tick' | 'lot', string> & { readonly [field in Field]?: string }

function registerMoney(add: (command: Command) => void): void {
  const payment = (verb: 'deposit' | 'withdraw', description: string) =>
    add(
      new Command(verb)
        .description(description)
        .argument('<account>', 'whose')
        .argument('<amount>', 'a decimal')
        .argument('<asset>', 'of what')
        .option('--transfer-id <id>', `the id to send it again under, ${ID}; made unless given`)
        .addHelpText('after', example(`${verb} alice 1000 USD --transfer-id ${verb[0]}-1`))
        .action((account: string, amount: string, asset: string, options: PaymentOptions) => {
          const { transferId } = options
          return once(options, (client) => client[verb]({ account, amount, asset, transferId }))
        }),
    )
  payment('deposit', "Add to an account's balance.")
  payment('withdraw', "Take from an account's available balance.")
  add(
    new Command('transfer')
      .description('Move from one account to another.')
      .argument('<account>', 'from')
      .argument('<to>', 'to')
      .argument('<amount>', 'a decimal')
      .argument('<asset>', 'of what')
      .option('--transfer-id <id>', `the id to send it again under, ${ID}; made unless given`)
      .addHelpText('after', example('transfer alice bob 10 USD'))
      .action((account, to, amount, asset, options: PaymentOptions) => {
        const { transferId } = options
        return once(options, (client) =>
          client.transfer({ account, to, amount, asset, transferId }),
        )
      }),
  )
}

type PaymentOptions = ClientOptions & { readonly transferId?: string }

function registerSwitches(add: (command: Command) => void): void {
  const lone = (verb: 'halt' | 'resume' | 'suspend' | 'activate', what: string, text: string) =>
    add(
      new Command(verb)
        .description(text)
        .argument(`<${what}>`, 'its name')
        .addHelpText('after', example(`${verb} ${what === 'symbol' ? 'NVDA' : 'alice'}`))
        .action((name: string, options: ClientOptions) =>
          once(options, (client) => client[verb](name)),
        ),
    )
  lone('halt', 'symbol', 'Stop trading in an instrument; cancels pass.')
  lone('resume', 'symbol', 'End a halt.')
  lone('suspend', 'account', 'Let an account send cancels only.')
  lone('activate', 'account', 'End a suspension.')
  add(
    new Command('kill-switch')
      .description('Refuse every order, of an account or of all, until it is off.')
      .argument('<on|off>', 'on or off', isOn)
      .option('--account <name>', 'this account only')
      .option('--cancel-all', 'with on: cancel the open orders too')
      .addHelpText('after', example('kill-switch on --cancel-all'))
      .action((on: boolean, options: ClientOptions & { account?: string; cancelAll?: true }) => {
        const { account, cancelAll } = options
        return once(options, (client) => client.killSwitch({ on, account, cancelAll }))
      }),
  )
  add(
    new Command('limits')
      .description('Set risk limits, for an account, a symbol, both, or all.')
      .argument('<name=value...>', 'off, none (take it away) or a value', withSetting)
      .option('--account <name>', 'for this account')
      .option('--symbol <symbol>', 'for this instrument')
      .addHelpText('after', `\nLimits, and what a value is:\n${LIMIT_HELP}`)
      .addHelpText('after', example('limits maxOrderQty=500 maxOpenOrders=off --account alice'))
      .action((limits: Settings, options: ClientOptions & LimitScope) => {
        const { account, symbol } = options
        return once(options, (client) => client.limits({ account, symbol, ...limits }))
      }),
  )
}

const VALUES: Readonly<Record<LimitKind, string>> = {
  switch: 'true or false',
  hours: 'HH:MM-HH:MM, UTC',
  count: 'a whole number',
  milliseconds: 'milliseconds, a whole number',
  fraction: 'a fraction, 0.05 for 5 %',
  base: 'a decimal, in base units',
  quote: 'a decimal, in quote units',
  loss: 'a decimal, in quote units',
}
const LIMIT_HELP = LIMIT_NAMES.map(
  (name) => `  ${name.padEnd(20)}${VALUES[LIMITS[name].kind]}`,
).join('\n')

interface LimitScope {
  readonly account?: string
  readonly symbol?: string
}

function isOn(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('Give on or off.')
  return text === 'on'
}

/** Limits whose values are whole numbers. */
const WHOLE: ReadonlySet<string> = new Set(
  LIMIT_NAMES.filter((name) => ['count', 'milliseconds'].includes(LIMITS[name].kind)),
)

/** Limits as the command has them. */
type Settings = Readonly<Record<string, string | number | boolean | null>>

/** One `name=value` more; what the exchange does not take is for it to refuse. */
function withSetting(text: string, before: Settings = {}): Settings {
  const [, name = text, value = ''] = /^([^=]*)=(.*)$/.exec(text) ?? []
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is given twice.`)
  return { ...before, [name]: settingOf(name, value) }
}

function settingOf(name: string, value: string): Settings[string] {
  // The refusal of a value calls it null, as the wire does.
  if (value === 'none' || value === 'null') return null
  if (value === 'true' || value === 'false') return value === 'true'
  return WHOLE.has(name) && /^[0-9]{1,15}$/.test(value) ? Number(value) : value
}
