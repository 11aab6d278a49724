// The part of the engine's API the replay uses, and the names it trades under.
import type { Exchange } from '../../src/index.ts'
import type { Side } from './format.ts'

export type { BookAnswer, BookLevel } from '../../src/index.ts'

export type Command = Readonly<Record<string, unknown>>

/** A report as docs/commands.md lists it: only the fields the harness reads. */
export type Report = {
  readonly execType: string
  readonly account: string
  readonly clOrdId: string
  readonly origClOrdId: string
  readonly side: Side
  readonly price: string
  readonly orderQty: string
  readonly cumQty: string
  readonly leavesQty: string
  readonly lastPx: string
  readonly lastQty: string
  readonly code?: string
  readonly duplicate?: boolean
}

/** What a replay needs of an exchange. */
export type ExchangePort = Pick<
  Exchange,
  'execute' | 'book' | 'orders' | 'balances' | 'check' | 'stateHash' | 'serialize'
>

export type Engine = {
  create(): ExchangePort
  restore(bytes: Uint8Array): ExchangePort
}

export const quoteAsset = 'USD'
export const quoteDecimals = 4
/** Everything the file shows as resting belongs to one account, which never trades with itself. */
export const street = 'street'
/** The aggressive side, which the file does not show. */
export const takers = 'takers'
export const houseAccounts = ['$fees', '$external']

/** Assets, instrument, accounts, money, and no limit that is about something else than matching. */
export function openingCommands(symbol: string): Command[] {
  return [
    { cmd: 'asset', asset: quoteAsset, decimals: quoteDecimals },
    { cmd: 'asset', asset: symbol, decimals: 0 },
    {
      cmd: 'instrument',
      symbol,
      base: symbol,
      quote: quoteAsset,
      tickSize: '0.01',
      lotSize: '1',
    },
    ...[street, takers].flatMap((account) => [
      { cmd: 'account', account },
      deposit(account, quoteAsset, '100000000000'),
      deposit(account, symbol, '1000000000'),
    ]),
    { cmd: 'limits', priceDeviation: 'off', maxOpenOrders: 'off', duplicateWindowMs: 'off' },
  ]
}

function deposit(account: string, asset: string, amount: string): Command {
  return { cmd: 'deposit', account, asset, amount, transferId: `open-${asset}` }
}

const textByTicks = new Map<number, string>()
const ticksByText = new Map<string, number>()

export function priceText(ticks: number): string {
  const known = textByTicks.get(ticks)
  if (known !== undefined) return known
  const text = `${Math.floor(ticks / 100)}.${String(ticks % 100).padStart(2, '0')}`
  textByTicks.set(ticks, text)
  return text
}

export function priceTicks(text: string): number {
  const known = ticksByText.get(text)
  if (known !== undefined) return known
  const [dollars, cents = ''] = text.split('.')
  if (!/^\d{0,2}0*$/.test(cents)) throw new Error(`the engine answered an off-tick price ${text}`)
  const ticks = Number(dollars) * 100 + Number(cents.slice(0, 2).padEnd(2, '0'))
  ticksByText.set(text, ticks)
  return ticks
}
