// `npm run load:websockets [-- options]`: thousands of idle WebSockets, and readers that do not
// read, at an exchange of its own while orders go on. What does not hold ends it with exit code 1.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { PERCENTILE_COLUMNS, percentileRow } from '../../bench/histogram.ts'
import { type Demand, passes, render } from '../../bench/report.ts'
import { Crowd, type Reply } from '../nats/crowd.ts'
import { type LoopResult, openLoop, prepare, steady } from '../nats/open-loop.ts'
import { type HttpTarget, openOwnTarget } from '../target.ts'
import type { Found, Order } from './sockets.ts'

/** Streams of one account; the exchange takes 32. */
const OF_ACCOUNT = 25
/** Reports that a slow reader asks for and does not read: more than the system keeps for it. */
const HISTORY = 20_000
const BATCH = 1_000
const WATCHERS = 8
/** How long slow readers are waited for to be closed: stuck for 10 s, seen within 15. */
const CLOSED_MS = 90_000
const MIB = 2 ** 20

const whole = (text: string): number => {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) program.error(`${text} is not a whole number`)
  return number
}
const program = new Command('npm run load:websockets --')
  .description('Idle and slow WebSockets at an exchange of its own, while orders go on.')
  .option('--idle <n>', 'idle streams', whole, 10_000)
  .option('--slow <n>', 'streams that do not read', whole, 200)
  .option('--listeners <n>', "streams that hear of a symbol's depth", whole, 1_000)
  .option('--rate <n>', 'orders a second', whole, 500)
  .option('--seconds <n>', 'how long each part takes', whole, 15)
  .parse()
type Counts = Record<'idle' | 'slow' | 'listeners' | 'rate' | 'seconds', number>
const { idle, slow, listeners, rate, seconds } = program.opts<Counts>()

/** The other ends of the streams. */
class Sockets {
  private readonly child: ChildProcess = fork(join(import.meta.dirname, 'sockets.ts'))

  async ask(order: Order): Promise<Found> {
    this.child.send(order)
    const [found] = (await once(this.child, 'message')) as [Found]
    if (found.error !== undefined) throw new Error(found.error)
    return found
  }

  end(): void {
    this.child.disconnect()
  }
}

/** What the exchange says of itself. */
async function metrics(target: HttpTarget): Promise<Record<string, number>> {
  const text = await (await fetch(`${target.httpUrl}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

/** Memory of the exchange, in MiB; the least of some looks, since garbage comes and goes. */
async function memory(target: HttpTarget): Promise<{ rss: number; heap: number; outside: number }> {
  const looks: Record<string, number>[] = []
  for (let n = 0; n < 5; n += 1) {
    looks.push(await metrics(target))
    await delay(300)
  }
  const least = (kind: string) =>
    Math.min(...looks.map((look) => look[`onefill_memory_bytes{kind="${kind}"}`])) / MIB
  return { rss: least('rss'), heap: least('heapUsed'), outside: least('external') }
}

/** The most of each while something is done. */
interface Most {
  /** The columns of the table. */
  readonly columns: number[]
  readonly lagMs: number
}

/** Each look forgets how late it was before, so it is noted here. */
const lagMsOf = (look: Record<string, number>): number =>
  look['onefill_event_loop_lag_seconds{quantile="1"}'] * 1_000

/** What comes of the work, and what was seen meanwhile, but for what is since the last look. */
async function during<T>(target: HttpTarget, work: () => Promise<T>): Promise<[T, Most]> {
  let isDone = false
  const worked = work().finally(() => {
    isDone = true
  })
  const columns: number[] = []
  let lagMs = 0
  while (!isDone) {
    const now = await metrics(target)
    const of = (kind: string) => now[`onefill_memory_bytes{kind="${kind}"}`] / MIB
    const buffered = now.onefill_streams_buffered_bytes / MIB
    const memory = [of('rss'), of('heapUsed'), of('external')]
    const values = [now.onefill_streams, ...memory, buffered, systemBuffers()]
    values.forEach((value, n) => {
      columns[n] = Math.max(columns[n] ?? 0, value)
    })
    lagMs = Math.max(lagMs, lagMsOf(now))
    await delay(250)
  }
  return [await worked, { columns, lagMs }]
}

/** What the system keeps for all connections of the machine, in MiB. */
function systemBuffers(): number {
  const [, pages = '0'] = /TCP:.* mem (\d+)/.exec(readFileSync('/proc/net/sockstat', 'utf8')) ?? []
  return (Number(pages) * 4096) / MIB
}

const tokensOf = (target: HttpTarget, name: string, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => target.token(`${name}-${n}`)))

/** Accounts with so many reports each. */
async function makeHistory(crowd: Crowd, accounts: number): Promise<void> {
  // Nothing trades in it, so any price will do.
  const units = { base: 'H', quote: 'USD', tickSize: '0.01', lotSize: '1' }
  await crowd.ask(0, 'onefill.v1.admin.batch', [
    { cmd: 'asset', asset: 'H', decimals: 0 },
    { cmd: 'instrument', symbol: 'HISTORY', ...units },
  ])
  for (let n = 0; n < accounts; n += 1) {
    const account = `slow-${n}`
    const money = { asset: 'USD', amount: '1000000', transferId: 'm' }
    const scene = [
      { cmd: 'account', account },
      { cmd: 'deposit', account, ...money },
    ]
    await crowd.ask(0, 'onefill.v1.admin.batch', scene)
    for (let from = 0; from < HISTORY; from += BATCH) {
      const orders = Array.from({ length: BATCH / 2 }, (_, at) => {
        const clOrdId = `h-${from + at}`
        const order = { clOrdId, symbol: 'HISTORY', side: 'buy', ordType: 'limit', price: '0.01' }
        const canceled = { cmd: 'cancel', symbol: 'HISTORY', origClOrdId: clOrdId }
        return [{ cmd: 'new', ...order, orderQty: '1', timeInForce: 'GTC' }, canceled]
      }).flat()
      const replies = (await crowd.ask(0, `onefill.v1.order.${account}.batch`, orders)) as Reply[]
      const wrong = replies.find(({ execType }) => execType === 'rejected')
      if (wrong !== undefined) throw new Error(`an order of ${account}: ${wrong.code}`)
    }
  }
}

const rows: (string | number)[][] = []
/** The latest that the exchange's main thread was, and how long a commit took on average. */
interface Measured {
  readonly name: string
  readonly loop: LoopResult
  readonly lagMs: number
  readonly commitMs: number
}
const loops: Measured[] = []
const demands: Demand[] = []
const notes: string[] = []

/** What each part needs. */
interface Scene {
  readonly target: HttpTarget
  readonly crowd: Crowd
  readonly sockets: Sockets
  readonly url: string
}

async function run(scene: Scene): Promise<void> {
  const { target, crowd, sockets, url } = scene
  await prepare(crowd)
  // The first orders warm up.
  await openLoop(crowd, 5, steady(rate))
  await sockets.ask({ do: 'watch', url, tokens: await tokensOf(target, 'trader', WATCHERS) })
  await orders(scene, 'without')
  await withIdle(scene)
  await withListeners(scene)
  await withSlow(scene)
  await sockets.ask({ do: 'close' })
  await delay(1_000)
  await look(scene, 'all closed')
}

/** Sends orders for a while: each is answered with what it must be answered with. */
async function orders({ target, crowd }: Scene, name: string): Promise<Most> {
  const before = await metrics(target)
  const [loop, most] = await during(target, () => openLoop(crowd, seconds, steady(rate)))
  const after = await metrics(target)
  const lagMs = Math.max(most.lagMs, lagMsOf(after))
  const gained = (metric: string) => after[metric] - before[metric]
  const commit = 'onefill_journal_commit_seconds'
  const commitMs = (gained(`${commit}_sum`) / gained(`${commit}_count`)) * 1_000
  loops.push({ name, loop, lagMs, commitMs })
  const value = loop.right / loop.sent
  demands.push({ what: `${name}: answered rightly, of all`, value, atLeast: 1 })
  return most
}

/** A row of the table. */
async function look({ target }: Scene, name: string) {
  const { rss, heap, outside } = await memory(target)
  const now = await metrics(target)
  const buffered = now.onefill_streams_buffered_bytes / MIB
  const all = [rss, heap, outside, buffered, systemBuffers()]
  rows.push([name, now.onefill_streams, ...all.map((value) => value.toFixed(1))])
  return { rss, now }
}

async function withIdle(scene: Scene): Promise<void> {
  const { target, sockets, url } = scene
  const name = `${idle} idle`
  const before = await look(scene, 'without')
  const tokens = await tokensOf(target, 'idle', Math.ceil(idle / OF_ACCOUNT))
  const startMs = performance.now()
  await sockets.ask({ do: 'open', url, tokens, count: idle })
  const tookS = (performance.now() - startMs) / 1_000
  notes.push(`${idle} streams were opened in ${tookS.toFixed(1)} s`)
  const held = await look(scene, name)
  const perIdle = ((held.rss - before.rss) * 1_024) / idle
  demands.push({ what: 'KiB of the exchange per idle stream', value: perIdle, atMost: 24 })
  await orders(scene, name)
  await look(scene, `${name}, after orders`)
  const { idleOpen } = await sockets.ask({ do: 'look' })
  demands.push({ what: 'idle streams that are open', value: idleOpen, atLeast: idle })
}

async function withListeners(scene: Scene): Promise<void> {
  const { target, sockets, url } = scene
  const name = `and ${listeners} that listen`
  const tokens = await tokensOf(target, 'listener', Math.ceil(listeners / OF_ACCOUNT))
  const before = await sockets.ask({ do: 'listen', url, each: OF_ACCOUNT, tokens })
  await orders(scene, name)
  await look(scene, name)
  const { listened, listenedLeast } = await sockets.ask({ do: 'quiet' })
  notes.push(`${listened - before.listened} messages went to ${listeners} that listen`)
  // Two are sent to begin with: that it subscribes, and the book of then.
  const value = listenedLeast - 2
  demands.push({ what: 'changes that the listener of the fewest heard', value, atLeast: 1 })
}

async function withSlow(scene: Scene): Promise<void> {
  const { target, crowd, sockets, url } = scene
  const accounts = Math.ceil(slow / OF_ACCOUNT)
  const name = `and ${accounts * OF_ACCOUNT} slow`
  await makeHistory(crowd, accounts)
  const filled = await look(scene, 'and a history')
  const tokens = await tokensOf(target, 'slow', accounts)
  await sockets.ask({ do: 'slow', url, tokens, each: OF_ACCOUNT })
  const { columns } = await orders(scene, name)
  const [streams, rss, , , buffered] = columns
  rows.push([`${name}, at most`, streams, ...columns.slice(1).map((value) => value.toFixed(1))])
  const wanted = idle + WATCHERS
  const open = await untilClosed(target, wanted)
  const { now } = await look(scene, 'slow ones closed')
  const closed = now['onefill_refusals_total{code="SLOW_READER"}'] ?? 0
  notes.push(`${closed} streams were closed as SLOW_READER`)
  await sockets.ask({ do: 'resume', url, tokens })
  const { found, caughtUp } = await untilCaughtUp(sockets, crowd)
  const gaps = [...found.watched, ...found.resumed].reduce((sum, each) => sum + each.gaps, 0)
  demands.push(
    { what: 'MiB that the exchange keeps for slow readers', value: buffered, atMost: 80 },
    { what: 'MiB more than without them', value: rss - filled.rss, atMost: 256 },
    { what: 'streams more than wanted once they are closed', value: open - wanted, atMost: 0 },
    { what: 'gaps in reports, also of slow ones that came back', value: gaps, atMost: 0 },
    { what: 'readers that have all reports', value: caughtUp, atLeast: WATCHERS + accounts },
    { what: 'idle streams that were lost', value: found.idleLost, atMost: 0 },
  )
}

/** Streams that are open once it is as many as wanted, or for long enough. */
async function untilClosed(target: HttpTarget, wanted: number): Promise<number> {
  const untilMs = performance.now() + CLOSED_MS
  for (;;) {
    const open = (await metrics(target)).onefill_streams
    if (open <= wanted || performance.now() > untilMs) return open
    await delay(500)
  }
}

/** Until each reader has heard the newest report of its account, or for long enough. */
async function untilCaughtUp(sockets: Sockets, crowd: Crowd) {
  const newestOf = async (account: string) => {
    const subject = `onefill.v1.exec.${account}.resend`
    const { newest } = (await crowd.ask(0, subject, { from: 1_000_000, to: 1_000_000 })) as {
      newest?: number
    }
    return newest ?? 0
  }
  for (let tries = 0; ; tries += 1) {
    const found = await sockets.ask({ do: 'look' })
    let caughtUp = 0
    for (const [n, { last }] of found.resumed.entries()) {
      if (last === (await newestOf(`slow-${n}`))) caughtUp += 1
    }
    for (const [n, { last }] of found.watched.entries()) {
      if (last === (await newestOf(`trader-${n}`))) caughtUp += 1
    }
    if (caughtUp === found.resumed.length + found.watched.length || tries === 100) {
      return { found, caughtUp }
    }
    await delay(200)
  }
}

const sockets = new Sockets()
const target = await openOwnTarget()
const crowd = await Crowd.open(target.natsUrl, 8)
try {
  await run({ target, crowd, sockets, url: target.httpUrl })
  const title = 'the exchange, MiB; buffered: what it keeps for streams; system: all TCP buffers'
  const columns = ['', 'streams', 'RSS', 'heap', 'external', 'buffered', 'system']
  const latency = loops.map(({ name, loop, lagMs, commitMs }) => [
    ...percentileRow(name, loop.latency),
    ...[commitMs.toFixed(1), lagMs.toFixed(0)],
  ])
  console.log(
    render({
      name: 'load:websockets',
      tables: [
        { title, columns, rows },
        {
          title: `${rate} orders a second over NATS, ns until the durable answer`,
          columns: [...PERCENTILE_COLUMNS, 'ms a commit', 'ms late at most'],
          rows: latency,
        },
      ],
      ...{ demands, notes },
    }),
  )
  if (!demands.every(passes)) process.exitCode = 1
} catch (error) {
  console.error(`load:websockets: ${error instanceof Error ? error.stack : error}`)
  process.exitCode = 1
} finally {
  sockets.end()
  await crowd.close()
  await target.close()
}
