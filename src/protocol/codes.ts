// Every reason to refuse or to end an order: a stable code, and what to do. In order of precedence.

/**
 * Codes and their texts. A code's number is its place here; codes are only ever added, never
 * reused.
 */
const TEXTS = {
  NONE: '',
  // while the line is read
  MALFORMED: 'the field is missing, unknown or of the wrong form; see docs/commands.md',
  UNKNOWN_ASSET: 'no such asset; define it with an asset command first',
  UNKNOWN_ACCOUNT: 'no such account; create it with an account command first',
  UNKNOWN_SYMBOL: 'no such instrument; define it with an instrument command first',
  PRICE_PRECISION: 'the price is not a whole number of ticks; round it to the tick size',
  QTY_PRECISION: 'the quantity is not a whole number of lots; round it to the lot size',
  AMOUNT_PRECISION: "the amount has more digits than the asset's decimals; round it",
  OVERFLOW: 'the value is beyond 2^53 in its smallest unit; send a smaller one',
  INVALID_DEFINITION: 'the definition cannot be; the field says which part',
  LIMIT_REACHED: 'no room for another one; the bound is in src/protocol/bounds.ts',
  // by the account, before anything is held
  ALREADY_DEFINED: 'the name exists with another definition; choose another name',
  DUPLICATE_ID: 'the id was used for something else; choose a new one',
  UNKNOWN_ORDER:
    'no open order with this id in this account and symbol: it may be filled, canceled or replaced',
  ACCOUNT_SUSPENDED: 'the account is suspended; ask for it to be activated',
  HALTED: 'trading in the instrument is halted; wait for it to resume',
  QTY_ALREADY_FILLED:
    'the new total quantity is not above what is filled; send a larger one or cancel',
  QTY_BELOW_MIN: "the quantity is below the instrument's minimum; send a larger one",
  QTY_ABOVE_MAX: "the quantity is above the instrument's maximum; send a smaller one",
  NO_REFERENCE_PRICE:
    'a market order needs a last trade or a configured reference price; send a limit order',
  PRICE_OUT_OF_BAND: "the price is outside the instrument's bounds; send one inside them",
  NOTIONAL_BELOW_MIN: "price times quantity is below the instrument's minimum; send a larger order",
  NOTIONAL_ABOVE_MAX:
    "price times quantity is above the instrument's maximum; send a smaller order",
  KILL_SWITCH: 'the kill switch is on; only cancels pass until it is off',
  SYMBOL_NOT_ALLOWED: 'the account may not trade this instrument',
  OUTSIDE_TRADING_HOURS: 'outside the trading hours; send it when they begin',
  REDUCE_ONLY: 'only orders that shrink the position pass',
  ORDER_RATE: 'too many orders this second; slow down',
  DUPLICATE_ORDER: 'the same order was accepted a moment ago; wait or change it if it is meant',
  MAX_ORDER_QTY: 'the quantity is above the limit; send a smaller order',
  MAX_ORDER_VALUE: 'price times quantity is above the limit; send a smaller order',
  PRICE_DEVIATION: 'the price is too far from the reference price; send one nearer to it',
  MAX_OPEN_ORDERS: 'too many open orders; cancel some first',
  MAX_POSITIONS: 'positions in too many instruments; close some first',
  MAX_EXPOSURE: 'position and open orders would be worth more than the limit; send a smaller order',
  DAILY_LOSS: "today's loss limit is reached; trading goes on with the next trading day",
  INSUFFICIENT_FUNDS: 'not enough available to pay for it; deposit or cancel other orders',
  INSUFFICIENT_HOLDINGS: 'not enough of the asset available to sell; buy or cancel other orders',
  // by the book
  POST_ONLY_WOULD_CROSS: 'a post-only order would have traded at once; send a price that rests',
  FOK_NOT_FILLABLE: 'the book cannot fill the whole order now',
  NO_LIQUIDITY: 'nothing to trade with within the protection price',
  // the clock
  TIME_WENT_BACK: 'the clock cannot go back; send a later time',
  // why an order ended or shrank by rule
  IOC_REMAINDER: 'what could not trade at once was taken back',
  SELF_TRADE: 'the order met one of its own account',
  // by the running exchange, before a command gets a seq
  NOT_LEADING: 'this process does not lead; send the same command to the one that does',
  JOURNAL_UNAVAILABLE:
    'the journal cannot be written for now, so nothing more is taken in; send the same again later',
  OVERLOADED: 'as much is under way as the exchange takes; send the same again in a moment',
  // by the gateway
  WRONG_ACCOUNT:
    'the command names another account than the subject; send it to its own, or leave it out',
  HISTORY_GONE: 'those reports are no longer in memory; the table order_audit has them',
} as const

/** A stable code, as it goes over the wire. */
export type CodeName = keyof typeof TEXTS

/** All code names; the index is the code's number. */
export const CODE_NAMES = Object.keys(TEXTS) as CodeName[]

/** Code numbers by name: `Code.INSUFFICIENT_FUNDS`. */
export const Code = Object.freeze(
  Object.fromEntries(CODE_NAMES.map((name, number) => [name, number])),
) as { readonly [name in CodeName]: number }

/** The sentence that goes with a code number. */
export function codeText(code: number): string {
  return TEXTS[CODE_NAMES[code]]
}
