// Small operations one by one, by tinybench: single book calls, the id map, decimals, ids, random
// numbers.

import { Bench } from 'tinybench'
import { EventLog, OrderBook, Side } from '../src/book.ts'
import { assert } from '../src/lib/assert.ts'
import { IdMap } from '../src/lib/id-map.ts'
import { Prng } from '../src/lib/prng.ts'
import { RecordPool } from '../src/lib/record-pool.ts'
import { ID_WORDS, packId, unpackId } from '../src/protocol/client-id.ts'
import { formatUnits, parseUnits } from '../src/protocol/decimal.ts'
import type { BenchOptions, Report } from './report.ts'

/** The first number of `int(1000)` from seed 5. */
const PRNG_SEED_5 = 207
/** Calls in one sample, so that the clock's own time does not matter. */
const CALLS = 1000

interface Task {
  name: string
  /** Proves the operation right, once. */
  check(): boolean
  /** The operation; `n` counts from 0. */
  call(n: number): void
}

export async function run({ quick }: BenchOptions): Promise<Report> {
  const bench = new Bench({ time: quick ? 50 : 500, warmupTime: quick ? 20 : 200 })
  for (const { name, check, call } of [...bookTasks(), ...mapTasks(), ...wordTasks()]) {
    assert(check(), `${name} is right`)
    bench.add(name, () => {
      for (let n = 0; n < CALLS; n += 1) call(n)
    })
  }
  await bench.run()
  const rows = bench.tasks.map(({ name, result }) => {
    assert(result.state === 'completed', `${name} ran`)
    const nanos = (result.latency.p50 * 1e6) / CALLS
    return [name, nanos, 1000 / nanos, result.latency.rme]
  })
  return {
    name: 'micro',
    tables: [
      { title: 'Small operations', columns: ['operation', 'ns', 'M/s', '± % of mean'], rows },
    ],
    demands: [],
    notes: [],
  }
}

function bookTasks(): Task[] {
  const events = new EventLog()
  const book = new OrderBook(events)
  // Ten orders at each of 200 prices on either side of 10,000.
  for (let n = 0; n < 2000; n += 1) {
    book.limit(1 + n, 1, Side.buy, 9999 - (n % 200), 10)
    book.limit(2001 + n, 1, Side.sell, 10_001 + (n % 200), 10)
  }
  let id = 10_000
  const restAndCancel = (n: number) => {
    events.clear()
    id += 1
    book.limit(id, 2, Side.buy, 9999 - (n % 200), 5)
    book.cancel(id, 2)
  }
  const trade = () => {
    events.clear()
    id += 1
    book.limit(id, 2, Side.sell, 10_000, 5)
    book.limit(id, 3, Side.buy, 10_000, 5)
  }
  const replace = (n: number) => {
    events.clear()
    book.replace(1 + n, 1, 9999 - ((n + id) % 199), 10) // 199: another price each time round
    id += 1
  }
  const steady = (call: (n: number) => void) => () => {
    call(0)
    return book.ordersCount === 4000 && book.bestBidTicks === 9999
  }
  return [
    { name: 'book: limit that rests + cancel', check: steady(restAndCancel), call: restAndCancel },
    { name: 'book: limit that rests + limit that takes it', check: steady(trade), call: trade },
    { name: 'book: replace to another price', check: steady(replace), call: replace },
  ]
}

function mapTasks(): Task[] {
  const pool = new RecordPool('micro', 2, 16_384)
  const map = new IdMap(pool, 0, 16_384)
  for (let id = 1; id <= 10_000; id += 1) {
    const handle = pool.alloc()
    pool.f64[handle] = id
    map.add(handle)
  }
  const random = new Prng(1)
  let sum = 0
  return [
    {
      name: 'id map: get',
      check: () => map.get(777) === 777 && map.get(10_001) === 0,
      call: () => {
        sum += map.get(1 + random.int(10_000))
      },
    },
    {
      name: 'id map: remove + add',
      check: () => map.get(4242) === 4242,
      call: () => {
        const handle = 1 + random.int(10_000)
        map.remove(handle)
        map.add(handle)
      },
    },
    {
      name: 'prng: int (part of the two above)',
      check: () => new Prng(5).int(1000) === PRNG_SEED_5 && sum >= 0,
      call: () => {
        sum += random.int(10_000)
      },
    },
  ]
}

function wordTasks(): Task[] {
  const texts = Array.from({ length: CALLS }, (_, n) => `${160 + (n % 20)}.${10 + (n % 90)}`)
  const ids = Array.from({ length: CALLS }, (_, n) => `client-7-order-${100_000 + n}`)
  const words = new Int32Array(CALLS * ID_WORDS)
  let sum = 0
  return [
    {
      name: 'decimal: parse "167.52"',
      check: () => parseUnits('167.52', 4) === 1_675_200,
      call: (n) => {
        sum += parseUnits(texts[n], 4)
      },
    },
    {
      name: 'decimal: format 1675200',
      check: () => formatUnits(1_675_200, 4) === '167.52' && sum >= 0,
      call: (n) => {
        sum += formatUnits(1_675_200 + n, 4).length
      },
    },
    {
      name: 'client id: pack 21 characters',
      check: () => packId(ids[3], words, 3 * ID_WORDS) && unpackId(words, 3 * ID_WORDS) === ids[3],
      call: (n) => {
        packId(ids[n], words, n * ID_WORDS)
      },
    },
  ]
}
