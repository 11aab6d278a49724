// The fields of orders, cancels and replaces, by number: for who reads them without their names.

import { FIELD_NUMBERS, type FieldName } from './field-names.ts'

export const OrderField = {
  ...{ cmd: 0, account: 1, clOrdId: 2, symbol: 3, side: 4, ordType: 5, orderQty: 6, price: 7 },
  ...{ timeInForce: 8, origClOrdId: 9, orderId: 10, postOnly: 11, reduceOnly: 12 },
} as const

/** How many there are. */
export const ORDER_FIELDS = Object.keys(OrderField).length
/** What any other field is. */
export const NO_FIELD = -1

/** By the numbers of all commands' fields. */
const byNumber = new Int8Array(FIELD_NUMBERS.size).fill(NO_FIELD)
for (const [name, field] of Object.entries(OrderField)) {
  byNumber[FIELD_NUMBERS.get(name) as number] = field
}

/** An {@link OrderField}, or NO_FIELD. */
export const orderFieldOf = ({ number }: FieldName): number => byNumber[number]
