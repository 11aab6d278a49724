// `onefill serve` as processes that talk by lines, stop, are killed, and take over.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openStore } from '../../src/persistence/store.ts'
import { Databases } from '../support/databases.ts'
import { logLines } from '../support/surroundings.ts'
import { endTools, jsonLines, onefill, Served } from '../support/tool.ts'

const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  {
    ...{ cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1' },
  },
  { cmd: 'account', account: 'alice' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
]
const buy = (clOrdId: string) => ({
  ...{ cmd: 'new', account: 'alice', clOrdId, symbol: 'XUSD', side: 'buy' },
  ...{ ordType: 'limit', price: '1', orderQty: '1' },
})
const buys = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => buy(`${name}-${n}`))

/** A Postgres on a slow disk takes its time to start and to stop. */
const HOOK_MS = 60_000

let databases: Databases
let url = ''
beforeAll(async () => {
  databases = await Databases.start()
}, HOOK_MS)
afterAll(() => databases.stop(), HOOK_MS)
beforeEach(async () => {
  url = await databases.create()
})
afterEach(endTools)

/** A leader that talks by lines, ready. */
async function lead(): Promise<Served> {
  const leader = new Served(['--stdio', '--stay'], { url })
  await leader.until(() => leader.stderr.includes('recovered'))
  return leader
}

/** Every report there is, word for word, and what the state comes to. */
function history(): { lines: Set<string>; end: string } {
  const { stdout, stderr } = onefill(['replay', '--journal', url, '--hash'])
  return { lines: new Set(stdout.split('\n')), end: stderr.trim() }
}

test('kill -9 of the leader: the standby leads by itself and has all that was said', async () => {
  const leader = await lead()
  leader.say(SCENE)
  const standby = new Served([url, '--standby', '--stdio', '--stay'])
  await standby.until(() => /standing by at seq \d+: .+ leads/.test(standby.stderr))
  standby.say([buy('no'), 'no JSON'])
  await standby.until(() => standby.lines.length === 2)
  expect(standby.reports).toMatchObject([
    { execType: 'rejected', code: 'NOT_LEADING', clOrdId: 'no', line: 1 },
    { execType: 'rejected', code: 'MALFORMED', field: 'line', line: 2 },
  ])
  leader.say(buys('a', 3_000))
  await leader.until(() => leader.lines.length > 500)
  await leader.kill()
  await standby.until(() => standby.stderr.includes('leading from seq'))
  standby.say([buy('a-0'), buy('b-0')])
  const last = () => standby.reports.at(-1)
  await standby.until(() => last()?.clOrdId === 'b-0')
  expect(last()).toMatchObject({ execType: 'new' })
  const again = standby.reports.find((report) => report.duplicate)
  const first = leader.reports.find(({ clOrdId }) => clOrdId === 'a-0')
  expect(again?.orderId).toBe(first?.orderId)
  const { lines } = history()
  expect(leader.lines.filter((line) => !lines.has(line))).toEqual([])
  expect(standby.lines.slice(2).filter((line) => !lines.has(line))).toEqual([])
  standby.signal('SIGTERM')
  expect(await standby.end()).toBe(0)
})

test('a restart after kill -9 needs no flag, and says what it came to', async () => {
  const first = await lead()
  first.say([...SCENE, ...buys('a', 2_000)])
  await first.until(() => first.lines.length > 200)
  await first.kill()
  const { lines, end } = history()
  const [, hash, seq] = /^state (\w+) at seq (\d+)$/.exec(end) as unknown as string[]
  const second = await lead()
  expect(second.stderr).toContain(`from the beginning + ${Number(seq).toLocaleString('en')} com`)
  expect(second.stderr).toContain(`: seq ${seq}, state ${hash}, term 2`)
  second.say([buy('z')])
  await second.until(() => second.reports.at(-1)?.clOrdId === 'z')
  // What may not have gone out comes again, the same; with what was said it is all there is.
  const said = new Set([...first.lines, ...second.lines.slice(0, -1), ''])
  expect(said).toEqual(lines)
  second.signal('SIGINT')
  expect(await second.end()).toBe(0)
  const third = await lead()
  expect(third.stderr).toContain(`recovered from the snapshot at seq ${Number(seq) + 1} + 0 comm`)
})

test('a second leader is refused in one line while the first one lives', async () => {
  await lead()
  const { status, stdout, stderr } = onefill(['serve', '--stdio'], { url })
  expect([status, stdout]).toEqual([1, ''])
  expect(logLines(stderr).filter(({ level }) => level !== 'info')).toMatchObject([
    { level: 'fatal', exit: 1, msg: expect.stringMatching(/^Another exchange leads .+ --standby/) },
  ])
})

test('losing the lease ends it with 75 and one last line', async () => {
  const leader = await lead()
  leader.say(SCENE)
  await leader.until(() => leader.lines.length === SCENE.length)
  const before = leader.stderr
  const other = await openStore(url)
  await other.takeLease('another')
  expect(await leader.end()).toBe(75)
  await other.close()
  const lines = logLines(leader.stderr.slice(before.length))
  // That its session was ended may be said first.
  expect(lines.filter(({ event }) => event !== 'journal-away')).toMatchObject([
    { level: 'fatal', exit: 75, msg: expect.stringMatching(/^The lease of term 1 has .+\.$/) },
  ])
})

test('at the end of input it settles and stops; bad lines are refused by number', async () => {
  const commands = [...SCENE, buy('a'), '', 'oops', { cmd: 'book', symbol: 'XUSD' }]
  const bad = [{ cmd: 'orders', account: 'bob' }, { cmd: 'account' }, buy('b')]
  const lines = [...commands, ...bad].map((each) =>
    typeof each === 'string' ? each : JSON.stringify(each),
  )
  const { status, stdout, stderr } = onefill(['serve', url, '--stdio'], { input: lines.join('\n') })
  expect([status, logLines(stderr).at(-1)?.msg]).toEqual([0, 'stopped at seq 7'])
  const answers = jsonLines(stdout)
  expect(answers.filter(({ line }) => line !== undefined)).toMatchObject([
    { line: 8, code: 'MALFORMED', field: 'line' },
    { line: 10, code: 'UNKNOWN_ACCOUNT', field: 'account' },
    { line: 11, code: 'MALFORMED', field: 'account' },
  ])
  expect(answers.filter(({ seq }) => seq !== undefined)).toHaveLength(8)
  expect(answers.filter(({ query }) => query === 'book')).toMatchObject([{ symbol: 'XUSD' }])
  // Whatever was published is not published again.
  expect(onefill(['serve', url, '--stdio']).stdout).toBe('')
})

test('while Postgres is away it says so, and a second signal stops it at once', async () => {
  const leader = await lead()
  leader.say(SCENE)
  await leader.until(() => leader.lines.length === SCENE.length)
  await databases.postgres.kill()
  try {
    leader.say([buy('a')])
    await leader.until(() => leader.stderr.includes('the journal is away: '))
    leader.signal('SIGTERM')
    await leader.until(() => leader.stderr.includes('stopping'))
    // Two that come together count as one.
    const again = setInterval(() => leader.signal('SIGTERM'), 50)
    const code = await leader.end()
    clearInterval(again)
    if (code !== 'SIGTERM') throw new Error(`it ended with ${code} and said: ${leader.stderr}`)
    expect(leader.lines).toHaveLength(SCENE.length)
  } finally {
    await databases.postgres.start()
  }
})

test('snapshots are taken and kept as told', async () => {
  const args = ['--snapshot-every', '100', '--keep-snapshots', '2', '--keep-journal', '0']
  const leader = new Served([url, '--stdio', '--stay', ...args])
  leader.say(SCENE)
  const taken = () => leader.stderr.match(/"event":"snapshot"/g)?.length ?? 0
  const tried = () => leader.stderr.match(/"event":"snapshot(-failed)?"/g)?.length ?? 0
  let batches = 0
  // On a busy machine Postgres may not answer a snapshot's process in time: then the next one.
  while (taken() < 3) {
    const before = tried()
    batches += 1
    leader.say(buys(`s${batches}`, 120))
    await leader.until(() => tried() > before)
  }
  leader.signal('SIGTERM')
  expect(await leader.end()).toBe(0)
  const list = onefill(['snapshot', 'list', '--verify'], { url })
  expect([list.status, list.stdout.match(/ {2}good$/gm)?.length]).toEqual([0, 2])
  expect(list.stdout).toContain(`seq ${SCENE.length + batches * 120} `)
  const verify = onefill(['journal', 'verify', url])
  expect(verify.stdout).toMatch(/\nhistory begins with round \d+, behind the snapshot at seq \d+\n/)
})

test('a wrong address is one line; no address where one is needed too', () => {
  const nowhere = 'postgres://nobody:secret@127.0.0.1:1/none'
  const cases = [
    [2, 'serve', 'http://127.0.0.1'],
    [2, 'serve', nowhere, '--standby'],
    [1, 'snapshot', 'now', nowhere],
    [1, 'journal', 'verify'],
    [1, 'journal', 'diff-state', '1'],
    [1, 'snapshot', 'list'],
    [1, 'replay', '--journal'],
    [1, 'project'],
    [1, 'reconcile'],
  ] as const
  // Where no exchange has left its address.
  const { folder: cwd } = databases
  for (const [code, ...args] of cases) {
    const { status, stdout, stderr } = onefill(args, { cwd })
    expect([args, status, stdout]).toEqual([args, code, ''])
    expect(stderr).toMatch(/^onefill: [^\n]+\.\n$/)
    expect(stderr).not.toContain('secret')
  }
  for (const args of [[], ['--standby']]) {
    const { status, stdout, stderr } = onefill(['serve', nowhere, '--stdio', ...args])
    expect([args, status, stdout]).toEqual([args, 1, ''])
    const { level, msg } = logLines(stderr).at(-1) ?? {}
    expect([level, msg]).toEqual(['fatal', 'No Postgres answers at 127.0.0.1:1 (ECONNREFUSED).'])
    expect(stderr).not.toContain('secret')
  }
})

test('without an address it runs on a Postgres of its own, in a folder', async () => {
  const cwd = databases.folder
  const first = new Served(['--data', 'own', '--stdio', '--stay'], { cwd })
  await first.until(() => first.stderr.includes('recovered'))
  first.say(SCENE)
  await first.until(() => first.lines.length === SCENE.length)
  const address = join(cwd, 'own/url')
  const own = ['--data', 'own']
  // Each finds it by the folder that it was told, in one way or another.
  const found = [
    onefill(['journal', 'verify', readFileSync(address, 'utf8').trim()]),
    onefill(['journal', 'verify', ...own], { cwd }),
    onefill(['journal', 'verify'], { cwd, env: { ONEFILL_DATA: 'own' } }),
    onefill(['journal', 'list', ...own], { cwd }),
    onefill(['journal', 'export', ...own], { cwd }),
    onefill(['journal', 'diff-state', '5', ...own], { cwd }),
    onefill(['replay', '--journal', ...own], { cwd }),
    onefill(['project', ...own], { cwd }),
    onefill(['reconcile', ...own], { cwd }),
    onefill(['snapshot', 'list', ...own], { cwd }),
  ]
  expect(found.map(({ status }) => status)).toEqual(found.map(() => 0))
  for (const { stdout } of found.slice(0, 3)) expect(stdout).toContain('whole: 5 commands')
  first.signal('SIGTERM')
  expect(await first.end()).toBe(0)
  expect(existsSync(address)).toBe(false)
  const second = onefill(['serve', '--data', 'own', '--stdio'], { cwd })
  expect([second.status, second.stdout]).toEqual([0, ''])
  expect(second.stderr).toContain('recovered from the snapshot at seq 5 + 0 commands')
})
