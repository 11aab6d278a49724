// The form of every command and query on the wire: which fields, of which kind, required or not.
//
// One table, so that validation, documentation and the gateways' schemas cannot drift apart.

import {
  ASSET_DECIMALS_MAX,
  BOOK_DEPTH_MAX,
  DECIMAL_CHARS_MAX,
  DUPLICATE_WINDOW_MS_MAX,
  ID_CHARS_MAX,
} from './bounds.ts'
import { LIMIT_NAMES, LIMITS, type LimitKind } from './limits.ts'

/** What a field must be; each kind has one check below. */
export type FieldKind =
  | 'name'
  | 'id'
  | 'orderId'
  | 'decimal'
  | 'rate'
  | 'boolean'
  | 'time'
  | 'decimals'
  | 'depth'
  | 'side'
  | 'ordType'
  | 'timeInForce'
  | 'selfTrade'
  | 'house'
  | `limit:${LimitKind}`

export interface CommandForm {
  readonly required: { readonly [field: string]: FieldKind }
  readonly optional: { readonly [field: string]: FieldKind }
  /** Exactly one of these must be there. */
  readonly oneOf?: readonly string[]
}

const transfer = { account: 'name', asset: 'name', amount: 'decimal', transferId: 'id' } as const
const target = { origClOrdId: 'id', orderId: 'orderId' } as const

export const COMMAND_FORMS = {
  asset: { required: { asset: 'name', decimals: 'decimals' }, optional: {} },
  instrument: {
    required: {
      symbol: 'name',
      base: 'name',
      quote: 'name',
      tickSize: 'decimal',
      lotSize: 'decimal',
    },
    optional: {
      makerFeeRate: 'rate',
      takerFeeRate: 'rate',
      minQty: 'decimal',
      maxQty: 'decimal',
      minNotional: 'decimal',
      maxNotional: 'decimal',
      minPrice: 'decimal',
      maxPrice: 'decimal',
      referencePrice: 'decimal',
    },
  },
  account: { required: { account: 'name' }, optional: {} },
  deposit: { required: transfer, optional: {} },
  withdraw: { required: transfer, optional: {} },
  transfer: { required: { ...transfer, to: 'name' }, optional: {} },
  new: {
    required: {
      account: 'name',
      clOrdId: 'id',
      symbol: 'name',
      side: 'side',
      ordType: 'ordType',
      orderQty: 'decimal',
    },
    optional: {
      price: 'decimal',
      timeInForce: 'timeInForce',
      postOnly: 'boolean',
      reduceOnly: 'boolean',
      selfTradePrevention: 'selfTrade',
    },
  },
  cancel: {
    required: { account: 'name', symbol: 'name' },
    optional: target,
    oneOf: ['origClOrdId', 'orderId'],
  },
  replace: {
    required: {
      account: 'name',
      symbol: 'name',
      clOrdId: 'id',
      price: 'decimal',
      orderQty: 'decimal',
    },
    optional: target,
    oneOf: ['origClOrdId', 'orderId'],
  },
  massCancel: { required: { account: 'name' }, optional: { symbol: 'name', side: 'side' } },
  halt: { required: { symbol: 'name' }, optional: {} },
  resume: { required: { symbol: 'name' }, optional: {} },
  suspend: { required: { account: 'name' }, optional: {} },
  activate: { required: { account: 'name' }, optional: {} },
  killSwitch: { required: { on: 'boolean' }, optional: { account: 'name', cancelAll: 'boolean' } },
  limits: {
    required: {},
    optional: {
      account: 'name',
      symbol: 'name',
      ...(Object.fromEntries(LIMIT_NAMES.map((name) => [name, `limit:${LIMITS[name].kind}`])) as {
        [name: string]: FieldKind
      }),
    },
  },
  time: { required: { now: 'time' }, optional: {} },
  balances: {
    required: { account: 'house' },
    optional: { after: 'name', afterSymbol: 'name', limit: 'depth' },
  },
  orders: { required: { account: 'name' }, optional: { after: 'orderId', limit: 'depth' } },
  book: { required: { symbol: 'name' }, optional: { depth: 'depth' } },
} as const satisfies Record<string, CommandForm>

export type Cmd = keyof typeof COMMAND_FORMS

/** A command as it came: a JSON object whose fields have been checked by {@link findFormFault}. */
export type RawCommand = { readonly cmd: Cmd } & { readonly [field: string]: unknown }

const NAME = new RegExp(`^[A-Za-z0-9_-]{1,${ID_CHARS_MAX}}$`)
const ID = new RegExp(`^[!-~]{1,${ID_CHARS_MAX}}$`)
const ORDER_ID = /^[1-9][0-9]{0,15}$/
const DECIMAL = /^[0-9]+(\.[0-9]+)?$/
const HOURS = /^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$/
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/

export const SIDES = ['buy', 'sell'] as const
export const ORD_TYPES = ['limit', 'market'] as const
export const TIMES_IN_FORCE = ['GTC', 'IOC', 'FOK'] as const
export const SELF_TRADES = ['cancelNewest', 'cancelOldest', 'cancelBoth', 'decrement'] as const

const isText = (value: unknown, form: RegExp) => typeof value === 'string' && form.test(value)

/** By character of ASCII: whether a text of a form may have it, anywhere. */
const charsOf = (form: RegExp) => Uint8Array.from(ASCII, (char) => Number(form.test(char)))
const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
const NAME_CHARS = charsOf(NAME)
const ID_CHARS = charsOf(ID)

/** As NAME and ID say it, character by character, which is faster: every order has some. */
function isOfChars(value: unknown, chars: Uint8Array): value is string {
  if (typeof value !== 'string') return false
  const { length } = value
  if (length === 0 || length > ID_CHARS_MAX) return false
  for (let at = 0; at < length; at += 1) if (chars[value.charCodeAt(at)] !== 1) return false
  return true
}

/** Whether it can name an account, an asset or a symbol. */
export const isName = (value: unknown): value is string => isOfChars(value, NAME_CHARS)

const isDecimal = (value: unknown): value is string =>
  isText(value, DECIMAL) && (value as string).length <= DECIMAL_CHARS_MAX

/** A decimal above zero: at least one digit that is not 0. */
function isPositive(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > DECIMAL_CHARS_MAX) return false
  let [point, isAboveZero] = [-1, false]
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charCodeAt(at)
    if (char === 0x2e && point < 0 && at > 0) point = at
    else if (char < 0x30 || char > 0x39) return false
    else if (char !== 0x30) isAboveZero = true
  }
  return isAboveZero && point !== value.length - 1
}
const isWhole = (value: unknown, max: number) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max
const isMillionths = (value: unknown) =>
  isDecimal(value) && /^[^.]*(\.[0-9]{1,6}0*)?$/.test(value as string)
const oneOf = (values: readonly string[]) => (value: unknown) => values.includes(value as string)
const setting = (isValue: (value: unknown) => boolean) => (value: unknown) =>
  value === null || value === 'off' || isValue(value)

const CHECKS: { readonly [kind in FieldKind]: (value: unknown) => boolean } = {
  name: isName,
  house: (value) => isName(value) || value === '$fees' || value === '$external',
  id: (value) => isOfChars(value, ID_CHARS),
  orderId: (value) => isText(value, ORDER_ID) && Number.isSafeInteger(Number(value)),
  decimal: isPositive,
  rate: (value) =>
    typeof value === 'string' && isDecimal(value.startsWith('-') ? value.slice(1) : value),
  boolean: (value) => typeof value === 'boolean',
  time: (value) => isText(value, TIME) && isRealTime(value as string),
  decimals: (value) => isWhole(value, ASSET_DECIMALS_MAX),
  depth: (value) => isWhole(value, BOOK_DEPTH_MAX) && value !== 0,
  side: oneOf(SIDES),
  ordType: oneOf(ORD_TYPES),
  timeInForce: oneOf(TIMES_IN_FORCE),
  selfTrade: oneOf(SELF_TRADES),
  'limit:switch': setting((value) => typeof value === 'boolean'),
  'limit:hours': setting((value) => isText(value, HOURS)),
  'limit:count': setting((value) => isWhole(value, Number.MAX_SAFE_INTEGER)),
  'limit:milliseconds': setting((value) => isWhole(value, DUPLICATE_WINDOW_MS_MAX)),
  'limit:fraction': setting(isMillionths),
  'limit:base': setting(isMillionths),
  'limit:quote': setting(isMillionths),
  'limit:loss': setting(isMillionths),
}

/** Whether a value is of a kind. */
export const isOfKind = (kind: FieldKind, value: unknown): boolean => CHECKS[kind](value)

/** Kinds of the fields that an account's own commands and queries have. */
export type OrderFieldKind = Exclude<
  FieldKind,
  'house' | 'rate' | 'time' | 'decimals' | `limit:${LimitKind}`
>

/**
 * The same kinds as JSON Schema, for documents. An `orderId` is below 2^53 besides, which a pattern
 * cannot say.
 */
export const FIELD_SCHEMAS: { readonly [kind in OrderFieldKind]: object } = {
  name: { type: 'string', pattern: NAME.source },
  id: { type: 'string', pattern: ID.source },
  orderId: { type: 'string', pattern: ORDER_ID.source },
  decimal: {
    type: 'string',
    pattern: `^(?=.*[1-9])${DECIMAL.source.slice(1)}`,
    maxLength: DECIMAL_CHARS_MAX,
  },
  boolean: { type: 'boolean' },
  depth: { type: 'integer', minimum: 1, maximum: BOOK_DEPTH_MAX },
  side: { type: 'string', enum: SIDES },
  ordType: { type: 'string', enum: ORD_TYPES },
  timeInForce: { type: 'string', enum: TIMES_IN_FORCE },
  selfTrade: { type: 'string', enum: SELF_TRADES },
}

/** 1970 or later, and a date that exists: it reads back as it was written. */
function isRealTime(text: string): boolean {
  const ms = Date.parse(text)
  return ms > 0 && new Date(ms).toISOString() === text
}

/** A form made ready for checking. */
interface Compiled {
  readonly required: readonly string[]
  readonly fields: ReadonlyMap<string, Field>
  readonly oneOf: readonly string[]
}

const COMPILED: ReadonlyMap<string, Compiled> = new Map(
  Object.entries(COMMAND_FORMS).map(([cmd, form]: [string, CommandForm]) => {
    const fields = Object.entries({ ...form.required, ...form.optional })
    const compiled = fields.map(([field, kind]): [string, Field] => {
      return [field, { check: CHECKS[kind], isRequired: Object.hasOwn(form.required, field) }]
    })
    const required = Object.keys(form.required)
    return [cmd, { required, fields: new Map(compiled), oneOf: form.oneOf ?? [] }]
  }),
)

interface Field {
  readonly check: (value: unknown) => boolean
  readonly isRequired: boolean
}

/** The first field of a command that is missing, unknown or of the wrong form, or undefined. */
export function findFormFault(command: { readonly [field: string]: unknown }): string | undefined {
  const form = typeof command.cmd === 'string' ? COMPILED.get(command.cmd) : undefined
  if (form === undefined || !Object.hasOwn(command, 'cmd')) return 'cmd'
  let missing = form.required.length
  let wrong: string | undefined
  for (const name of Object.keys(command)) {
    if (name === 'cmd') continue
    const field = form.fields.get(name)
    if (field?.isRequired) missing -= 1
    if (wrong === undefined && !field?.check(command[name])) wrong = name
  }
  // What is missing is said first.
  const fault = (missing > 0 ? missingIn(command, form) : undefined) ?? wrong
  if (fault !== undefined) return fault
  if (form.oneOf.length > 0) {
    const given = form.oneOf.filter((field) => Object.hasOwn(command, field))
    if (given.length !== 1) return form.oneOf[given.length === 0 ? 0 : 1]
  }
  return crossFieldFault(command as RawCommand)
}

const missingIn = (command: object, { required }: Compiled): string | undefined =>
  required.find((field) => !Object.hasOwn(command, field))

/** The field that does not go with another one of the same command, or undefined. */
function crossFieldFault(command: RawCommand): string | undefined {
  if (command.cmd === 'new') {
    const { ordType, timeInForce } = command
    if ((ordType === 'limit') !== Object.hasOwn(command, 'price')) return 'price'
    if (ordType === 'market' && timeInForce === 'GTC') return 'timeInForce'
    const isRestingLimit = ordType === 'limit' && (timeInForce ?? 'GTC') === 'GTC'
    if (command.postOnly === true && !isRestingLimit) return 'postOnly'
  }
  if (command.cmd === 'killSwitch' && command.cancelAll === true && command.on !== true) {
    return 'cancelAll'
  }
  if (command.cmd === 'limits' && !LIMIT_NAMES.some((name) => Object.hasOwn(command, name))) {
    return LIMIT_NAMES[0]
  }
  return undefined
}
