// A run is what one aggressive order did: consecutive executions of one time stamp and direction.
// It is sent to the engine as one IOC order, and the engine's fills are held against the file's.
import type { Desk, Fill } from './desk.ts'
import { priceText } from './exchange-port.ts'
import { isWorse, type Message, MessageType, type Row, type Side, ticksOf } from './format.ts'

export type RunCounts = {
  runs: number
  executions: number
  /** Runs whose filled quantity at every price is the file's. */
  qtyPerPriceEqual: number
  /** Runs that executed at prices the window did not reach: what rested there is unknown. */
  beyondWindow: number
  /** Runs in which the engine filled only orders the file has named. */
  knownRuns: number
  /** ... and filled exactly the file's (orderId, price, qty). */
  knownRunsEqual: number
  exceptions: RunException[]
}

export type RunException = {
  readonly firstRow: number
  readonly lastRow: number
  readonly time: string
  readonly qtyEqual: boolean
  /** The fills the other side does not have, as `qty order@price`. */
  readonly fileOnly: readonly string[]
  readonly engineOnly: readonly string[]
}

export function newRunCounts(): RunCounts {
  return {
    runs: 0,
    executions: 0,
    qtyPerPriceEqual: 0,
    beyondWindow: 0,
    knownRuns: 0,
    knownRunsEqual: 0,
    exceptions: [],
  }
}

/** The row of the last execution of the run that starts at `first`. */
export function lastOfRun(messages: readonly Message[], first: number): number {
  const { time, side } = messages[first]
  let last = first
  for (let i = first + 1; i < messages.length && messages[i].time === time; i++) {
    const { type } = messages[i]
    if (type === MessageType.hiddenExecution) continue
    if (type !== MessageType.execution || messages[i].side !== side) break
    last = i
  }
  return last
}

export function matchRun(
  desk: Desk,
  messages: readonly Message[],
  firstRow: number,
  lastRow: number,
  prior: Row,
  counts: RunCounts,
): void {
  const { side, time } = messages[firstRow]
  const executions = messages
    .slice(firstRow, lastRow + 1)
    .filter((message) => message.type === MessageType.execution)
  const file = executions.map((message) => fileFill(desk, message))
  const limit = file.reduce(
    (a, fill) => (isWorse(side, fill.ticks, a) ? fill.ticks : a),
    file[0].ticks,
  )
  const qty = file.reduce((sum, fill) => sum + fill.qty, 0)
  const before = new Map(file.map(({ ticks }) => [ticks, desk.book.qty(side, ticks)]))
  const engine = desk.take(side, limit, qty)

  counts.runs++
  counts.executions += executions.length
  if (isWorse(side, limit, prior[side].at(-1)!.ticks)) counts.beyondWindow++
  const qtyEqual = sameSums(sumBy(file, priceKey), sumBy(engine, priceKey))
  if (qtyEqual) counts.qtyPerPriceEqual++
  const known = engine.every((fill) => !fill.anon)
  const equal = sameSums(sumBy(file, orderKey), sumBy(engine, orderKey))
  if (known) counts.knownRuns++
  if (known && equal) counts.knownRunsEqual++
  if (qtyEqual && (equal || !known)) return
  counts.exceptions.push({ firstRow, lastRow, time, qtyEqual, ...difference(file, engine) })
  realign(desk, side, file, engine, qtyEqual ? undefined : before)
}

/** The order the file names; an unknown one stands for the level's anonymous order. */
function fileFill(desk: Desk, message: Message): Fill {
  const ticks = ticksOf(message)
  const anon = desk.book.known(message.orderId, message.side, ticks) === undefined
  return { id: message.orderId, anon, ticks, qty: message.qty }
}

/**
 * After a run that differs nobody can know whose size is left: every touched level becomes one
 * anonymous order. With `before`, quantities differed too and are set to what the file leaves.
 */
function realign(
  desk: Desk,
  side: Side,
  file: readonly Fill[],
  engine: readonly Fill[],
  before: ReadonlyMap<number, number> | undefined,
): void {
  const executed = sumBy(file, priceKey)
  const filled = sumBy(engine, priceKey)
  for (const key of new Set([...executed.keys(), ...filled.keys()])) {
    const ticks = Number(key)
    const now = desk.book.qty(side, ticks)
    const was = before?.get(ticks) ?? now + (filled.get(key) ?? 0)
    const left = before === undefined ? now : Math.max(0, was - (executed.get(key) ?? 0))
    desk.round(desk.replaceByAnon(side, ticks, left))
  }
}

/** Sums per order and price that only one of the two has, or has with another quantity. */
function difference(
  file: readonly Fill[],
  engine: readonly Fill[],
): Pick<RunException, 'fileOnly' | 'engineOnly'> {
  const inFile = sumBy(file, orderKey)
  const inEngine = sumBy(engine, orderKey)
  const only = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): string[] =>
    [...a].filter(([key, qty]) => b.get(key) !== qty).map(([key, qty]) => `${qty} ${key}`)
  return { fileOnly: only(inFile, inEngine), engineOnly: only(inEngine, inFile) }
}

function priceKey(fill: Fill): string {
  return String(fill.ticks)
}

function orderKey(fill: Fill): string {
  return `${fill.anon ? 'anon' : fill.id}@${priceText(fill.ticks)}`
}

function sumBy(fills: readonly Fill[], key: (fill: Fill) => string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const fill of fills) sums.set(key(fill), (sums.get(key(fill)) ?? 0) + fill.qty)
  return sums
}

function sameSums(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  if (a.size !== b.size) return false
  for (const [key, qty] of a) if (b.get(key) !== qty) return false
  return true
}
