// The LOBSTER file format: message types, prices in file units, and the rows both files consist of.
// Prices count 1/10000 of a dollar in the files and ticks (cents) in the harness.

export const unitsPerTick = 100

export const MessageType = {
  newOrder: 1,
  partialCancel: 2,
  fullCancel: 3,
  execution: 4,
  hiddenExecution: 5,
  cross: 6,
  halt: 7,
} as const

export const Side = { buy: 'buy', sell: 'sell' } as const
export type Side = (typeof Side)[keyof typeof Side]

export const sides: readonly Side[] = [Side.buy, Side.sell]

export type Message = {
  /** Seconds after midnight as the file spells them: a double would lose digits. */
  readonly time: string
  readonly type: number
  readonly orderId: string
  readonly qty: number
  /** In file units; off the tick only for hidden executions. */
  readonly priceUnits: number
  /** The side of the resting order, also when it is executed. */
  readonly side: Side
}

export type Level = { readonly ticks: number; readonly qty: number }

/** The visible window after a message: best level first, at most N levels a side. */
export type Row = { readonly buy: readonly Level[]; readonly sell: readonly Level[] }

export function ticksOf(message: Message): number {
  const ticks = message.priceUnits / unitsPerTick
  if (!Number.isSafeInteger(ticks) || ticks <= 0)
    throw new Error(`price ${message.priceUnits} is off the tick: ${JSON.stringify(message)}`)
  return ticks
}

/** True when `a` is further from the market than `b` on this side. */
export function isWorse(side: Side, a: number, b: number): boolean {
  return side === Side.buy ? a < b : a > b
}

export function opposite(side: Side): Side {
  return side === Side.buy ? Side.sell : Side.buy
}
