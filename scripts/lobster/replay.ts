// One pass over the recording: apply a message or match a run, follow the window, compare.
import { Desk } from './desk.ts'
import { type BookAnswer, type Engine, priceText, priceTicks } from './exchange-port.ts'
import { Findings } from './findings.ts'
import { type Level, MessageType, type Row } from './format.ts'
import { checkWhole, checkWindow, messagesPerWholeCheck } from './invariants.ts'
import { applyMessage, type MessageCounts, newMessageCounts } from './message-rules.ts'
import type { Recording } from './reader.ts'
import { lastOfRun, matchRun, newRunCounts, type RunCounts } from './runs.ts'
import { Window } from './window.ts'

export const Mode = {
  /** Every row is applied by itself: C1. */
  book: 'book',
  /** A run of executions is one IOC order, and the engine decides who fills: C2. */
  matching: 'matching',
} as const
export type Mode = (typeof Mode)[keyof typeof Mode]

export type Replay = {
  readonly mode: Mode
  /** The rows the engine's book was compared with. */
  readonly rows: Findings
  readonly invariants: Findings
  readonly messageCounts: MessageCounts
  readonly windowCounts: Window['counts']
  readonly runCounts: RunCounts
  readonly tally: Desk['tally']
  readonly commandCount: number
  readonly reportCount: number
  readonly reportHash: string
  readonly stateHash: string
  readonly seconds: number
}

/** `restoreEvery` so many rows a snapshot of the engine, restored, goes on in its place. */
export function replay(
  recording: Recording,
  engine: Engine,
  mode: Mode,
  restoreEvery = Infinity,
): Replay {
  const started = performance.now()
  const { symbol, messages, levels } = recording
  const desk = new Desk(engine.create(), symbol)
  const window = new Window(desk, levels)
  const rows = new Findings()
  const invariants = new Findings()
  const messageCounts = newMessageCounts()
  const runCounts = newRunCounts()
  let prior = recording.row(0)
  let restoreAt = restoreEvery
  window.seed(prior)

  for (let i = 1; i < messages.length; i++) {
    const first = i
    const message = messages[first]
    if (mode === Mode.matching && message.type === MessageType.execution) {
      i = lastOfRun(messages, first)
      matchRun(desk, messages, first, i, prior, runCounts)
    } else {
      applyMessage(desk, message, messageCounts)
    }
    const row = recording.row(i)
    window.follow(prior, row, message.type === MessageType.newOrder ? message.orderId : undefined)
    const where = `row ${i}`
    const answer = desk.exchange.book(symbol, levels)
    rows.check(isExact(answer, row), () => describeRow(where, answer, row))
    checkWindow(desk, answer, where, invariants)
    if (rows.checked % messagesPerWholeCheck === 0) checkWhole(desk, where, invariants)
    if (i >= restoreAt) {
      restoreAt += restoreEvery
      restoreInPlace(desk, engine, where, invariants)
    }
    prior = row
  }
  checkWhole(desk, 'the end', invariants)
  return {
    mode,
    rows,
    invariants,
    messageCounts,
    windowCounts: window.counts,
    runCounts,
    tally: desk.tally,
    commandCount: desk.commandCount,
    reportCount: desk.reportCount,
    reportHash: desk.reportHash(),
    stateHash: desk.exchange.stateHash(),
    seconds: (performance.now() - started) / 1_000,
  }
}

function restoreInPlace(desk: Desk, engine: Engine, where: string, found: Findings): void {
  const bytes = desk.exchange.serialize()
  const restored = engine.restore(bytes)
  found.check(
    restored.stateHash() === desk.exchange.stateHash(),
    () => `${where}: a restored snapshot has another state hash`,
  )
  found.check(
    Buffer.from(restored.serialize()).equals(bytes),
    () => `${where}: a restored snapshot serializes to other bytes`,
  )
  desk.exchange = restored
  checkWhole(desk, `${where}, restored`, found)
}

function isExact(answer: BookAnswer, row: Row): boolean {
  return isSideExact(answer.bids, row.buy) && isSideExact(answer.asks, row.sell)
}

function isSideExact(answer: BookAnswer['bids'], levels: readonly Level[]): boolean {
  if (answer.length !== levels.length) return false
  for (let i = 0; i < levels.length; i++) {
    if (priceTicks(answer[i].price) !== levels[i].ticks) return false
    if (Number(answer[i].qty) !== levels[i].qty) return false
  }
  return true
}

function describeRow(where: string, answer: BookAnswer, row: Row): string {
  const engine = [answer.bids, answer.asks].map((side) =>
    side.map(({ price, qty }) => `${qty}@${price}`).join(' '),
  )
  const file = [row.buy, row.sell].map((side) =>
    side.map(({ ticks, qty }) => `${qty}@${priceText(ticks)}`).join(' '),
  )
  return `${where}: bids ${engine[0]} asks ${engine[1]}, file: bids ${file[0]} asks ${file[1]}`
}
