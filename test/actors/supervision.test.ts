// Actors that break on purpose: what is said of it, what is still released, and how threads end.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Workers } from '../../src/actors/placement.ts'
import { startThreads, type ThreadOptions, WorkerFault } from '../../src/actors/threads.ts'
import { Exchange } from '../../src/exchange.ts'
import { Fault } from '../../src/lib/assert.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { BREAKS } from '../support/breakage.ts'
import { inline, newExchange } from '../support/placements.ts'

const root = join(import.meta.dirname, '..', '..')
/** Loads the breakage, then the worker. */
const BROKEN = new URL('../support/broken-worker.ts', import.meta.url)
const SILENCE_MS_MAX = 2_000
const STOP_MS_MAX = 1_000
/** A machine that is busy with other things gets this much on top of what is promised. */
const SLACK_MS = 10_000

const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'NVDA', decimals: 0 },
  {
    ...{ cmd: 'instrument', symbol: 'NVDA', base: 'NVDA', quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1' },
  },
  { cmd: 'account', account: 'alice' },
  { cmd: 'account', account: 'bob' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
]
let id = 0
const buy = (lots: number, account = 'alice') => {
  id += 1
  const terms = { side: 'buy', ordType: 'limit', price: '1', orderQty: String(lots) }
  return { cmd: 'new', account, clOrdId: `c-${id}`, symbol: 'NVDA', ...terms }
}

const open: Exchange[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((exchange) => exchange.close()))
})

function start(workers: Exclude<Workers, 0>, options: ThreadOptions = {}): Exchange {
  const core = startThreads(workers, { entry: BROKEN, stopMsMax: STOP_MS_MAX, ...options })
  const exchange = new Exchange(core, new Directory())
  open.push(exchange)
  return exchange
}

function faultOf(work: () => unknown): WorkerFault {
  try {
    work()
  } catch (error) {
    if (error instanceof WorkerFault) return error
    throw error
  }
  throw new Error('nothing broke')
}

/** What can be asked of an exchange; all of it is refused once it broke. */
function expectRefused(exchange: Exchange, fault: unknown): void {
  const calls = [
    () => exchange.execute(buy(1)),
    () => exchange.start(),
    () => exchange.finish(),
    () => exchange.run(),
    () => exchange.balances('alice'),
    () => exchange.orders('alice'),
    () => exchange.book('NVDA'),
    () => exchange.stateHash(),
    () => exchange.serialize(),
    () => exchange.check(),
  ]
  for (const call of calls) {
    let thrown: unknown
    try {
      call()
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBe(fault)
  }
}

describe.each<Exclude<Workers, 0>>([1, 3, { accounts: 2, symbols: 1 }])(
  'at %j workers',
  (workers) => {
    const cases = [
      ['hold', 'account', 3, 'alice', 'broken on purpose in hold'],
      ['match', 'symbol', 1, 'NVDA', 'broken on purpose in match'],
      ['settle', 'account', 3, 'alice', 'broken on purpose in settle'],
      ['rangeError', 'symbol', 1, 'NVDA', 'out of range on purpose'],
    ] as const
    test.each(cases)('%s: names all there is to know', (how, kind, handle, name, message) => {
      const exchange = start(workers)
      exchange.execute(SCENE)
      exchange.execute([buy(1), buy(2)])
      const round = [buy(3), buy(BREAKS[how]), buy(4)]
      const fault = faultOf(() => exchange.execute(round))
      const phase = how === 'rangeError' ? 'match' : how
      const seq = SCENE.length + 4
      expect(fault.report).toMatchObject({
        ...{ message, phase, round: 3, seq, command: 'new' },
        actor: { kind, handle },
      })
      expect(exchange.describeFault(fault)).toBe(
        `${message}; in round 3, ${phase}, seq ${seq} (new) of ${kind} ${handle}, ${name}`,
      )
      // Where it broke, not where that was noticed.
      expect(fault.stack).toContain('breakage.ts')
      expectRefused(exchange, fault)
    })
  },
)

describe('with rounds under way', () => {
  test.each<Exclude<Workers, 0>>([2, { accounts: 1, symbols: 1 }])(
    '%j workers: what broke stops the intake, and nothing is released after',
    async (workers) => {
      const rounds = Array.from({ length: 40 }, (_, n) => [buy(n === 20 ? BREAKS.match : 1)])
      const sound = newExchange(inline)
      sound.execute(SCENE)
      const expected = rounds.slice(0, 20).flatMap((round) => sound.execute(round))
      const exchange = start(workers)
      exchange.execute(SCENE)
      const released: unknown[] = []
      let started = 0
      const fault = faultOf(() => {
        for (const round of rounds) {
          exchange.submit(round[0])
          released.push(...exchange.start())
          started += 1
        }
        exchange.finish()
      })
      // The round that broke gave nothing, nor did those behind it; so many may be under way.
      expect(released).toEqual(expected.slice(0, released.length))
      expect(released.length).toBeLessThanOrEqual(20)
      expect(started).toBeLessThanOrEqual(20 + 8)
      expect(fault.report).toMatchObject({ round: 22, seq: SCENE.length + 21 })
      expectRefused(exchange, fault)
      // Even when its threads have ended, and said so.
      await sleep(50)
      expectRefused(exchange, fault)
      await exchange.close()
      expectRefused(exchange, fault)
    },
  )

  test('the intake stops without anybody waiting for a round', async () => {
    const exchange = start(1)
    exchange.execute(SCENE)
    exchange.submit(buy(BREAKS.hold))
    expect(exchange.start()).toEqual([])
    // Nobody asks for the round; the report arrives, whenever it does, and the next call has it.
    while (isFine()) await sleep(5)
    function isFine(): boolean {
      try {
        exchange.seq > 0 && exchange.start()
        return true
      } catch (error) {
        expect(error).toBeInstanceOf(WorkerFault)
        return false
      }
    }
  })
})

describe('a worker that says nothing', () => {
  test.each<Exclude<Workers, 0>>([2, { accounts: 1, symbols: 1 }])(
    '%j workers: one that never returns is found out in time, and ended by force',
    async (workers) => {
      const exchange = start(workers, { silenceMsMax: SILENCE_MS_MAX })
      exchange.execute(SCENE)
      const before = performance.now()
      const fault = faultOf(() => exchange.execute(buy(BREAKS.loop)))
      const tookMs = performance.now() - before
      expect(fault.message).toMatch(/^worker \d has not answered for 2000 ms$/)
      expect(tookMs).toBeGreaterThanOrEqual(SILENCE_MS_MAX)
      expect(tookMs).toBeLessThan(SILENCE_MS_MAX + SLACK_MS)
      await exchange.close()
      expectRefused(exchange, fault)
    },
  )

  test('one that never returns is found out by pump, too', async () => {
    const exchange = start(2, { silenceMsMax: SILENCE_MS_MAX })
    exchange.execute(SCENE)
    exchange.submit(buy(BREAKS.loop))
    let fault: Error | undefined
    for (const before = performance.now(); fault === undefined; await sleep(20)) {
      expect(performance.now() - before).toBeLessThan(SILENCE_MS_MAX * 2 + SLACK_MS)
      try {
        exchange.pump()
      } catch (error) {
        fault = error as Error
      }
    }
    expect(fault.message).toMatch(/^worker \d has not answered for 2000 ms$/)
    await exchange.close()
    expectRefused(exchange, fault)
  })

  test('one that ends by itself is noticed, without waiting for its silence', () => {
    const exchange = start({ accounts: 2, symbols: 2 }, { silenceMsMax: 600_000 })
    exchange.execute(SCENE)
    const fault = faultOf(() => exchange.execute(buy(BREAKS.exit)))
    expect(fault.message).toMatch(/^worker [23] has ended/)
    expectRefused(exchange, fault)
  })

  test('one that does not even start is noticed', async () => {
    const entry = new URL('data:text/javascript,throw new Error("no worker")')
    const exchange = start(2, { entry, silenceMsMax: SILENCE_MS_MAX })
    const fault = faultOf(() => exchange.execute(SCENE))
    expect(fault.message).toMatch(/^worker \d has not answered/)
    await exchange.close()
    const idle = start(2, { entry, silenceMsMax: 600_000 })
    for (let fault: unknown; fault === undefined; ) {
      // The thread's end is told by an event: no call waits meanwhile.
      await sleep(20)
      try {
        idle.start()
      } catch (error) {
        fault = error
        expect((fault as Fault).message).toMatch(/^worker \d has ended: no worker$/)
      }
    }
  })
})

describe('close', () => {
  test('runs what is under way, ends all threads, and may be called twice', async () => {
    const exchange = start({ accounts: 2, symbols: 2 }, { stopMsMax: 600_000 })
    exchange.execute(SCENE)
    for (let n = 0; n < 50; n += 1) {
      exchange.submit(buy(1))
      exchange.start()
    }
    await Promise.all([exchange.close(), exchange.close()])
    await exchange.close()
    expect(() => exchange.execute(buy(1))).toThrow(Fault)
    expect(() => exchange.balances('alice')).toThrow(/closed/)
  })

  test('ends a worker that never returns by force, in bounded time', async () => {
    const exchange = start(2)
    exchange.execute(SCENE)
    exchange.submit(buy(BREAKS.loop))
    exchange.start()
    const before = performance.now()
    await exchange.close()
    // Once for the rounds under way, once for the threads' end.
    expect(performance.now() - before).toBeLessThan(2 * STOP_MS_MAX + SLACK_MS)
  })

  test('ends threads that were just started', async () => {
    for (const workers of [1, 4] as const) await start(workers, { stopMsMax: 600_000 }).close()
  })
})

test.each([0, 2])('inline and over %i workers, a broken exchange does not go on', (workers) => {
  const exchange = workers === 0 ? newExchange(inline) : start(2)
  exchange.execute(SCENE)
  let fault: unknown
  try {
    exchange.execute([buy(1), buy(BREAKS.settle)])
  } catch (error) {
    fault = error
  }
  expect(fault).toBeInstanceOf(Fault)
  expectRefused(exchange, fault)
})

test('the engine itself refuses a round after one that broke off', () => {
  const core = inline({})
  const exchange = new Exchange(core, new Directory())
  exchange.execute(SCENE)
  expect(() => exchange.execute(buy(BREAKS.match))).toThrow('broken on purpose')
  core.take(true)
  expect(() => new Exchange(core, new Directory()).execute([])).toThrow('broken off')
})

describe('onefill replay', () => {
  const preload = new URL('../support/breakage.ts', import.meta.url).href
  const lines = (breaking: number) =>
    [...SCENE, ...Array.from({ length: 30 }, (_, n) => buy(n === 20 ? breaking : 1))]
      .map((command) => JSON.stringify(command))
      .join('\n')
  const replay = (args: string[], input: string) => {
    const all = ['--import', preload, join(root, 'src/main.ts'), 'replay', ...args]
    return spawnSync(process.execPath, all, { input, encoding: 'utf8', timeout: 120_000 })
  }

  const cases = [0, 1, 3].flatMap((workers) =>
    (['hold', 'match', 'settle', 'rangeError'] as const).map((how) => [how, workers] as const),
  )
  test.each(cases)('%s, %i workers: one message, and exit code 70', (how, workers) => {
    const { status, stdout, stderr } = replay(['--workers', String(workers)], lines(BREAKS[how]))
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/^onefill: fault: .*on purpose/)
    if (workers > 0) expect(stderr).toMatch(/in round 27, \w+, seq 27 \(new\).*, (alice|NVDA)\n/)
    expect(status).toBe(70)
    // What it wrote before is no more than what the round before it came to.
    expect(stdout.split('\n').length).toBeLessThanOrEqual(SCENE.length + 20 + 1)
    expect(stdout).not.toContain(`"orderQty":"${BREAKS[how]}"`)
  })
})
