// The recorded day through NATS into a running exchange: the commands that a plain replay came to,
// in their order, and report by report the same as the plain replay's.
import { type NatsConnection, nuid } from '@nats-io/transport-node'
import { build, type Histogram } from 'hdr-histogram-js'
import { decodeReports } from '../../src/gateway/frame.ts'
import type { Report } from '../../src/index.ts'
import type { Command, Engine, ExchangePort } from './exchange-port.ts'
import { street, takers } from './exchange-port.ts'
import type { Recording } from './reader.ts'
import { Mode, type Replay, replay } from './replay.ts'

/** Commands on their way. */
const inFlightMax = 256
const silenceMsMax = 30_000
/** What depends on what else the exchange has done. */
const historical = ['seq', 'execId', 'execSeq', 'orderId', 'tradeId', 'transactTime'] as const

export type NatsDay = {
  /** The plain replay that it is held against. */
  readonly plain: Replay
  readonly commandCount: number
  readonly seconds: number
  /** From a command's publication to its durable reply, nanoseconds. */
  readonly nanos: Histogram
  /** Reports that are the plain replay's, and those that are not. */
  readonly reportsEqual: number
  readonly reportsOther: readonly string[]
}

/** Sends the day. `isFresh`: nothing was ever sent to that exchange. */
export async function dayOverNats(
  connection: NatsConnection,
  recording: Recording,
  engine: Engine,
  isFresh: boolean,
): Promise<NatsDay> {
  const commands: Command[] = []
  const expected: Report[] = []
  const recorder: Engine = {
    restore: engine.restore,
    create: () => recorded(engine.create(), commands, expected),
  }
  const plain = replay(recording, recorder, Mode.matching)
  const names = isFresh ? new Map<string, string>() : unused([street, takers, recording.symbol])
  const heard = new Map<string, Report[]>()
  for (const account of [street, takers]) {
    const reports: Report[] = []
    heard.set(account, reports)
    connection.subscribe(`onefill.v1.exec.${names.get(account) ?? account}`, {
      callback: (_, message) => void reports.push(...decodeReports(message.data)),
    })
  }
  await connection.flush()
  const all = commands.map((command) => renamed(command, names))
  const opening = all.findIndex(({ cmd }) => traders.includes(String(cmd)))
  // Money can be spent from the round on that follows the deposit's.
  await sendAll(connection, all.slice(0, opening))
  const { seconds, nanos } = await sendAll(connection, all.slice(opening))
  const outcome = await compare(expected, heard, names)
  return { plain, commandCount: all.length - opening, seconds, nanos, ...outcome }
}

/** What a person is told. */
export function dayLines(day: NatsDay): string[] {
  const { plain, nanos, commandCount, seconds } = day
  const { runs, qtyPerPriceEqual, knownRuns, knownRunsEqual } = plain.runCounts
  const share = (part: number, whole: number) =>
    `${part} of ${whole} (${((100 * part) / whole).toFixed(3)} %)`
  const ms = (percentile: number) =>
    `p${percentile} ${(nanos.getValueAtPercentile(percentile) / 1e6).toFixed(2)} ms`
  return [
    `over NATS: ${commandCount} commands, ${seconds.toFixed(1)} s, ` +
      `${Math.round(commandCount / seconds)}/s, each with its durable reply`,
    `  ${[50, 99, 99.9, 99.99].map(ms).join(', ')} with ${inFlightMax} on their way`,
    `  ${day.reportsEqual} reports are the plain replay's, ${day.reportsOther.length} are not`,
    ...day.reportsOther.slice(0, 5).map((text) => `  wrong: ${text}`),
    `  match rate: ${share(qtyPerPriceEqual, runs)} runs fill the file's quantity at every price,`,
    `  ${share(knownRunsEqual, knownRuns)} that met named orders only fill exactly the file's`,
  ]
}

/** An exchange that keeps what it is told and what it says. */
function recorded(exchange: ExchangePort, commands: Command[], reports: Report[]): ExchangePort {
  return {
    execute(all) {
      commands.push(...(all as Command[]))
      const answers = exchange.execute(all)
      reports.push(...(answers as Report[]))
      return answers
    },
    book: (symbol, depth) => exchange.book(symbol, depth),
    orders: (account) => exchange.orders(account),
    balances: (account) => exchange.balances(account),
    check: () => exchange.check(),
    stateHash: () => exchange.stateHash(),
    serialize: () => exchange.serialize(),
  }
}

/** Names that the exchange has not seen, so that the day can be sent to it again. */
function unused(names: readonly string[]): Map<string, string> {
  const suffix = nuid.next().slice(-10)
  return new Map(names.map((name) => [name, `${name}-${suffix}`]))
}

const named = ['account', 'symbol', 'base', 'asset'] as const

function renamed<T extends object>(command: T, names: ReadonlyMap<string, string>): T {
  if (names.size === 0) return command
  const own = Object.fromEntries(
    named.flatMap((field) => {
      const name = names.get((command as Command)[field] as string)
      return name === undefined ? [] : [[field, name]]
    }),
  )
  // A market that others trade in too keeps its limits.
  const symbol = (command as Command).cmd === 'limits' && { symbol: [...names.values()][2] }
  return { ...command, ...own, ...symbol }
}

async function sendAll(
  connection: NatsConnection,
  commands: readonly Command[],
): Promise<{ seconds: number; nanos: Histogram }> {
  const inbox = `lobster.${nuid.next()}`
  const nanos = build({ numberOfSignificantValueDigits: 3 })
  const sentMs: number[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let answered = 0
  const startMs = performance.now()
  const fill = () => {
    while (sentMs.length < commands.length && sentMs.length - answered < inFlightMax) {
      const command = commands[sentMs.length]
      sentMs.push(performance.now())
      connection.publish(subjectOf(command), JSON.stringify(command), { reply: inbox })
    }
  }
  const subscription = connection.subscribe(inbox, {
    callback: (_, message) => {
      const isIts = message.data.length > 0 && message.json<Report>().execType !== 'rejected'
      if (!isIts) return reject(new Error(`not taken: ${message.string() || 'nobody serves'}`))
      nanos.recordValue(Math.round((performance.now() - sentMs[answered]) * 1e6))
      answered += 1
      if (answered === commands.length) resolve()
      else fill()
    },
  })
  let seen = -1
  const watch = setInterval(() => {
    if (answered === seen) reject(new Error('the exchange does not answer'))
    seen = answered
  }, silenceMsMax)
  fill()
  await promise.finally(() => clearInterval(watch))
  const seconds = (performance.now() - startMs) / 1_000
  subscription.unsubscribe()
  return { seconds, nanos }
}

const traders = ['new', 'cancel', 'replace', 'massCancel']

function subjectOf({ cmd, account }: Command): string {
  const isOrder = traders.includes(String(cmd))
  return isOrder ? `onefill.v1.order.${account}.${cmd}` : `onefill.v1.admin.${cmd}`
}

async function compare(
  expected: readonly Report[],
  heard: ReadonlyMap<string, readonly Report[]>,
  names: ReadonlyMap<string, string>,
): Promise<{ reportsEqual: number; reportsOther: string[] }> {
  const back = new Map([...names].map(([name, other]) => [other, name]))
  const reportsOther: string[] = []
  let reportsEqual = 0
  for (const [account, reports] of heard) {
    const wanted = expected.filter((report) => report.account === account)
    const untilMs = performance.now() + silenceMsMax
    while (reports.length < wanted.length && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    wanted.forEach((want, at) => {
      const got = reports.at(at)
      const said = got && lasting(renamed(got, back), names.size > 0)
      const meant = lasting(want, names.size > 0)
      if (said === meant) reportsEqual += 1
      else reportsOther.push(`${account}'s report ${at + 1} is ${said}, not ${meant}`)
    })
  }
  return { reportsEqual, reportsOther }
}

/** The report; of an exchange that has done other things before, what does not depend on them. */
function lasting(report: Report, isShared: boolean): string {
  if (!isShared) return JSON.stringify(report)
  const copy = { ...report }
  for (const field of historical) delete copy[field]
  return JSON.stringify(copy)
}
