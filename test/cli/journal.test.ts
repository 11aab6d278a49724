// Looking back at a journal from the command line: export, differences, any point of history, and
// all of it where retention has deleted the beginning.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changesSince } from '../../src/cli/diff-state.ts'
import { DurableExchange } from '../../src/durable.ts'
import { createCore, createExchange, Exchange } from '../../src/exchange.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { learn } from '../../src/protocol/learn.ts'
import { Databases } from '../support/databases.ts'
import { decodeRounds } from '../support/journal-rows.ts'
import { randomJournal } from '../support/journals.ts'
import type { Json } from '../support/markets.ts'
import { jsonLines, onefill } from '../support/tool.ts'

const HOOK_MS = 120_000

/** Rounds as an exchange took them, and what each came to. */
interface History {
  readonly url: string
  readonly rounds: { readonly lastSeq: number; readonly hash: string; readonly book: string }[]
}

let databases: Databases
let history: History

/** A random journal, written; queries and bad lines leave no trace in it. */
async function write(url: string): Promise<History> {
  const { rounds } = randomJournal(7, 4_000, 60)
  const durable = await DurableExchange.open({ url, onReports: () => {} })
  const plain = createExchange()
  const written: History['rounds'] = []
  for (const round of rounds) {
    let taken = 0
    for (const command of round) if (typeof durable.submit(command) === 'number') taken += 1
    await durable.settled()
    plain.execute(round)
    if (taken === 0) continue
    const book = plain.seq < 200 ? '' : JSON.stringify(plain.book('NVDA', 1_000))
    written.push({ lastSeq: plain.seq, hash: plain.stateHash(), book })
  }
  await durable.close()
  return { url, rounds: written }
}

beforeAll(async () => {
  databases = await Databases.start()
  history = await write(await databases.create())
}, HOOK_MS)
afterAll(() => databases.stop(), HOOK_MS)

const run = (...args: string[]) => onefill(args, { url: history.url })
const last = () => history.rounds.at(-1)!
const middle = () => history.rounds[history.rounds.length >> 1]

test('an export runs again to the same rounds, reports and hash', () => {
  const exported = run('journal', 'export')
  expect([exported.status, exported.stderr]).toEqual([0, ''])
  const file = join(databases.folder, 'history.ndjson')
  writeFileSync(file, exported.stdout)
  const again = onefill(['replay', file, '--round', 'blank', '--hash', '--workers', '1'])
  const replayed = run('replay', '--journal', '--hash')
  const { lastSeq, hash } = last()
  expect(replayed.stderr).toBe(`state ${hash} at seq ${lastSeq}\n`)
  expect(again.stderr).toContain(replayed.stderr)
  expect(again.stdout === replayed.stdout).toBe(true)
  // Rounds do matter: the same commands one by one are another history.
  expect(onefill(['replay', file, '--hash']).stderr).not.toContain(hash)
})

test('an export from beyond the end says so', () => {
  const { status, stdout, stderr } = run('journal', 'export', '--from', '1000000')
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(
    /^onefill: there is no seq 1000000 yet: the journal ends with seq \d+\.\n$/,
  )
})

test('an export of a part is its rounds, whole', () => {
  const { rounds } = history
  const at = rounds.length >> 1
  const [before, first, second] = [rounds[at - 1], rounds[at], rounds[at + 1]]
  const args = ['--from', String(first.lastSeq), '--to', String(first.lastSeq + 1)]
  const { stdout } = run('journal', 'export', ...args)
  const parts = stdout.split('\n\n').map(jsonLines)
  expect(parts.map(({ length }) => length)).toEqual([
    first.lastSeq - before.lastSeq,
    second.lastSeq - first.lastSeq,
    0,
  ])
})

test('the state at any point: hash, book and balances', () => {
  const { lastSeq, hash, book } = middle()
  const to = ['--to', String(lastSeq)]
  const asked = run('replay', '--journal', ...to, '--book', 'NVDA', '--balances', '$fees', '--hash')
  expect([asked.status, asked.stderr]).toEqual([0, `state ${hash} at seq ${lastSeq}\n`])
  const [first, second] = asked.stdout.split('\n')
  expect(first).toBe(book)
  expect(JSON.parse(second)).toMatchObject({ query: 'balances', account: '$fees', seq: lastSeq })
  const nobody = run('replay', '--journal', ...to, '--balances', 'nobody')
  expect(nobody).toMatchObject({
    status: 1,
    stdout: '',
    stderr: `onefill: there is no account nobody at seq ${lastSeq}.\n`,
  })
})

describe('diff-state', () => {
  test('says what a round changed, and only that', () => {
    const { rounds } = randomJournal(3, 3_000, 12)
    const core = createCore({})
    const names = new Directory()
    const exchange = new Exchange(core, names)
    let quiet = 0
    for (const log of decodeRounds(rounds)) {
      const [bytes, before] = [exchange.serialize(), pictureOf(exchange, names)]
      learn(names, log)
      core.start(log)
      core.take(true)
      const expected = new Set<string>()
      for (const [key, value] of pictureOf(exchange, names)) {
        if (before.get(key) !== value && !(isNothing(value) && !before.has(key))) expected.add(key)
      }
      const said = new Set<string>()
      for (const { what, key } of changesSince(bytes, exchange, names)) {
        if (what === 'level') said.add(`book ${key.symbol}`)
        if (['balance', 'position', 'order'].includes(what)) said.add(`account ${key.account}`)
      }
      expect(said).toEqual(expected)
      if (said.size === 0) quiet += 1
    }
    expect(quiet).toBeGreaterThan(5)
    expect(quiet).toBeLessThan(rounds.length * 0.7)
  })

  test('prints lines for people, and objects for machines', async () => {
    const url = await databases.create()
    const exchange = await DurableExchange.open({ url, onReports: () => {} })
    const rounds: Json[][] = [
      [
        { cmd: 'asset', asset: 'USD', decimals: 2 },
        { cmd: 'asset', asset: 'X', decimals: 0 },
        {
          ...{ cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD' },
          ...{ tickSize: '0.01', lotSize: '1' },
        },
        { cmd: 'account', account: 'alice' },
        { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '100', transferId: 'd' },
      ],
      [
        {
          ...{ cmd: 'new', account: 'alice', clOrdId: 'a', symbol: 'XUSD', side: 'buy' },
          ...{ ordType: 'limit', price: '2.5', orderQty: '10' },
        },
        { cmd: 'limits', account: 'alice', maxOrderQty: '10' },
      ],
      [
        {
          ...{ cmd: 'replace', account: 'alice', symbol: 'XUSD', origClOrdId: 'a' },
          ...{ clOrdId: 'b', price: '2.5', orderQty: '4' },
        },
        { cmd: 'halt', symbol: 'XUSD' },
        { cmd: 'suspend', account: 'alice' },
      ],
    ]
    for (const round of rounds) {
      for (const command of round) exchange.submit(command)
      await exchange.settled()
    }
    await exchange.close()
    // The first command of the round or a later one.
    for (const seq of ['6', '7']) {
      expect(onefill(['journal', 'diff-state', seq, url]).stdout.split('\n')).toEqual([
        'round 2, seq 6 to 7',
        'limits alice all is new: maxOrderQty 10',
        'balance alice USD: available 100 -> 75, held 0 -> 25',
        'position alice XUSD: openBuyQty 0 -> 10',
        'order alice 6 is new: clOrdId a, symbol XUSD, side buy, ordType limit, ' +
          'timeInForce GTC, ordStatus new, price 2.5, orderQty 10, cumQty 0, leavesQty 10, avgPx 0',
        'level XUSD bid 2.5: qty 0 -> 10, orders 0 -> 1',
        '',
      ])
    }
    expect(onefill(['journal', 'diff-state', '8'], { url }).stdout.split('\n')).toEqual([
      'round 3, seq 8 to 10',
      'instrument XUSD: halted false -> true',
      'account alice: suspended false -> true',
      'balance alice USD: available 75 -> 90, held 25 -> 10',
      'position alice XUSD: openBuyQty 10 -> 4',
      'order alice 6: clOrdId a -> b, orderQty 10 -> 4, leavesQty 10 -> 4',
      'level XUSD bid 2.5: qty 10 -> 4',
      '',
    ])
    const json = jsonLines(onefill(['journal', 'diff-state', '8', url, '--json']).stdout)
    expect(json[0]).toEqual({ round: 3, firstSeq: 8, lastSeq: 10 })
    expect(json.at(-1)).toEqual({
      what: 'level',
      key: { symbol: 'XUSD', side: 'bid', price: '2.5' },
      before: { qty: '10', orders: 1 },
      after: { qty: '4', orders: 1 },
    })
    expect(onefill(['journal', 'diff-state', '11', url])).toMatchObject({
      status: 1,
      stderr: 'onefill: there is no seq 11 yet: the journal ends with seq 10.\n',
    })
  })
})

describe('snapshots, and a journal whose beginning is deleted', () => {
  test('now, list, and then everything looks back from the snapshot', async () => {
    const url = await databases.create()
    const { rounds } = await write(url)
    const half = rounds.length >> 1
    const tool = (...args: string[]) => onefill(args, { url })
    const { lastSeq, hash } = rounds.at(-1)!
    // As if no more had been published yet: a snapshot in the middle.
    const setMark = (round: number) =>
      databases.sql(url, `UPDATE onefill.heartbeat SET published_round = ${round}`)
    const [mark] = await databases.sql(url, 'SELECT published_round AS at FROM onefill.heartbeat')
    await setMark(half)
    const taken = tool('snapshot', 'now', '--keep', '1', '--keep-journal', '0')
    const first = rounds[half - 1]
    const what = `snapshot at seq ${first.lastSeq}, round ${half}, state ${first.hash}, `
    expect(taken.stdout.startsWith(what)).toBe(true)
    expect(taken.stdout).toContain(`deleted: 0 snapshots, ${half - 1} rows of the journal\n`)
    await setMark(Number(mark.at))

    expect(tool('snapshot', 'list', '--verify').stdout).toMatch(
      new RegExp(`  seq ${first.lastSeq}  round ${half}  term 1  \\d+ parts  .+  good\n$`),
    )
    const verified = tool('journal', 'verify')
    expect([verified.status, verified.stdout.split('\n')[1]]).toEqual([
      0,
      `history begins with round ${half + 1}, behind the snapshot at seq ${first.lastSeq}`,
    ])
    expect(tool('journal', 'list').stdout.trim().split('\n')).toHaveLength(rounds.length - half + 1)

    const replayed = tool('replay', '--journal', '--hash')
    expect(replayed.stderr.split('\n')).toEqual([
      `begins with the snapshot at seq ${first.lastSeq}: the reports up to it are deleted`,
      `state ${hash} at seq ${lastSeq}`,
      '',
    ])
    expect(jsonLines(replayed.stdout)[0].seq).toBe(first.lastSeq + 1)
    const { stdout: whole } = run('replay', '--journal')
    expect(whole.endsWith(replayed.stdout)).toBe(true)
    const book = tool('replay', '--journal', '--book', 'NVDA')
    expect(book.stdout).toBe(`${rounds.at(-1)!.book}\n`)

    const early = tool('replay', '--journal', '--to', String(first.lastSeq - 1), '--hash')
    const said = `onefill: the journal's beginning was deleted: the state is known from seq`
    expect(early).toMatchObject({ status: 1, stderr: `${said} ${first.lastSeq} on.\n` })
    const later = ['--from', String(first.lastSeq + 1)]
    expect(tool('journal', 'export', ...later).stdout).toBe(
      run('journal', 'export', ...later).stdout,
    )
    expect(tool('journal', 'export').stderr).toMatch(/^onefill: the journal's beginning/)
    const diff = ['journal', 'diff-state', String(lastSeq)]
    expect(tool(...diff).stdout).toBe(run(...diff).stdout)

    // A snapshot that is no good is found out, and then nothing stands for the beginning.
    await databases.sql(url, `UPDATE onefill.snapshot_part SET bytes = set_byte(bytes, 99, 255)`)
    const list = tool('snapshot', 'list', '--verify')
    expect([list.status, list.stdout]).toEqual([1, expect.stringContaining('  no good: ')])
    expect(tool('replay', '--journal').stderr).toMatch(/^onefill: no snapshot is good: .+\n$/)
    await databases.sql(url, 'TRUNCATE onefill.snapshot, onefill.snapshot_part')
    expect(tool('journal', 'verify')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^onefill: rounds 1 to \d+ of the journal are missing, .+\n$/),
    })
  })
})

/** All that can be asked about a state, by account and by symbol. */
function pictureOf(exchange: Exchange, names: Directory): Map<string, string> {
  const picture = new Map<string, string>()
  for (const account of names.accounts.slice(1) as string[]) {
    const { balances, positions } = exchange.balances(account)
    const { orders } = exchange.orders(account)
    picture.set(`account ${account}`, JSON.stringify([balances, positions, orders]))
  }
  for (const instrument of names.instruments.slice(1)) {
    const { bids, asks } = exchange.book(instrument!.symbol, 1_000)
    picture.set(`book ${instrument!.symbol}`, JSON.stringify([bids, asks]))
  }
  return picture
}

const isNothing = (picture: string): boolean => /^[[\],]*$/.test(picture)
