// The command-line tool as a user meets it: a process, its streams and its exit code.

import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createExchange } from '../src/index.ts'

type Json = Record<string, unknown>

const root = join(import.meta.dirname, '..')
const tool = join(root, 'bin/onefill.js')
const day = join(root, 'examples/day.ndjson')

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'onefill-cli-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const path = (name: string) => join(directory, name)

function write(name: string, lines: (Json | string)[]): string {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
  writeFileSync(path(name), `${text.join('\n')}\n`)
  return path(name)
}

function onefill(args: string[], input: string | Buffer = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...args], {
    input,
    encoding: 'utf8',
    cwd: directory,
    maxBuffer: 2 ** 28,
  })
  return { status, stdout, stderr }
}

const reports = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)

const SCENE: Json[] = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'NVDA', decimals: 0 },
  {
    cmd: 'instrument',
    symbol: 'NVDA',
    base: 'NVDA',
    quote: 'USD',
    tickSize: '0.01',
    lotSize: '1',
  },
  { cmd: 'account', account: 'alice' },
]
const DEPOSIT = {
  cmd: 'deposit',
  account: 'alice',
  asset: 'USD',
  amount: '100',
  transferId: 'd-1',
}
const BUY = {
  cmd: 'new',
  account: 'alice',
  clOrdId: 'a-1',
  symbol: 'NVDA',
  side: 'buy',
  ordType: 'limit',
  price: '100',
  orderQty: '1',
}

describe('replay', () => {
  test('writes what the library answers, and a summary beside it', () => {
    const { status, stdout, stderr } = onefill(['replay', day, '--hash'])
    const exchange = createExchange()
    const commands = reports(readFileSync(day, 'utf8'))
    expect(reports(stdout)).toEqual(commands.flatMap((command) => exchange.execute(command)))
    expect(status).toBe(0)
    expect(stderr).toMatch(/^15 commands in \d+\.\d\d s, [\d,]+ per second\n/)
    expect(stderr).toMatch(/^ {2}accepted +9$/m)
    expect(stderr).toMatch(/^ {2}trade +4$/m)
    expect(stderr).toMatch(/^ {2}rejected INSUFFICIENT_FUNDS +1$/m)
    expect(stderr).toContain(`state ${exchange.stateHash()} at seq 15\n`)
  })

  test('reads standard input, named or not', () => {
    const text = readFileSync(day, 'utf8')
    const fromFile = onefill(['replay', day])
    for (const args of [['replay'], ['replay', '-'], ['replay', '-', '--out', '-']]) {
      expect(onefill(args, text)).toMatchObject({ status: 0, stdout: fromFile.stdout })
    }
    expect(fromFile.stderr).not.toContain('state ')
  })

  test('writes to a file', () => {
    const { status, stdout } = onefill(['replay', day, '-o', 'reports.ndjson'])
    expect([status, stdout]).toEqual([0, ''])
    const again = onefill(['replay', day, '--out', path('again.ndjson')])
    expect(again.status).toBe(0)
    const written = readFileSync(path('reports.ndjson'), 'utf8')
    expect(written).toBe(readFileSync(path('again.ndjson'), 'utf8'))
    expect(written).toBe(onefill(['replay', day]).stdout)
  })

  test('is the same to the byte, each time', () => {
    const runs = ['1', '5', '1000'].map((round) => [0, 1].map(() => run(round)))
    for (const [one, other] of runs) expect(other).toEqual(one)
    function run(round: string) {
      const { stdout, stderr } = onefill(['replay', day, '--hash', '--round', round])
      return [stdout, /state .*/.exec(stderr)?.[0]]
    }
  })

  test.each(['1', '3', '2+1', '1+2'])('is the same to the byte on %s workers', (workers) => {
    expect(run(['-r', '3', '--workers', workers])).toEqual(run(['-r', '3']))

    function run(args: string[]) {
      const { status, stdout, stderr } = onefill(['replay', day, '--hash', ...args])
      expect(status).toBe(0)
      return [stdout, /state .*/.exec(stderr)?.[0]]
    }
  })

  test('runs rounds of as many commands as asked for', () => {
    const file = write('rounds.ndjson', [...SCENE, DEPOSIT, BUY])
    const codes = (args: string[]) => reports(onefill(['replay', file, ...args]).stdout).at(-1)
    expect(codes([])).toMatchObject({ execType: 'new' })
    expect(codes(['--round', '5'])).toMatchObject({ execType: 'new' })
    expect(codes(['--round', '6'])).toMatchObject({ code: 'INSUFFICIENT_FUNDS' })
    expect(codes(['-r', '65536'])).toMatchObject({ code: 'INSUFFICIENT_FUNDS' })
  })

  test('of nothing is nothing', () => {
    expect(onefill(['replay'])).toMatchObject({ status: 0, stdout: '' })
    expect(onefill(['replay'], '\n\n \t\r\n')).toMatchObject({ status: 0, stdout: '' })
  })

  test('takes what editors make: a byte order mark, CRLF, no line end, blank lines', () => {
    const lines = SCENE.map((command) => JSON.stringify(command))
    const plain = onefill(['replay'], lines.join('\n'))
    expect(reports(plain.stdout)).toHaveLength(4)
    expect(onefill(['replay'], `\ufeff${lines.join('\r\n\r\n')}`)).toMatchObject({
      status: 0,
      stdout: plain.stdout,
    })
  })
})

describe('a bad line', () => {
  test('is refused in its place with its number and field; the run goes on and ends with 1', () => {
    const file = write('bad.ndjson', [
      SCENE[0],
      '{"cmd":"asset"',
      '',
      { cmd: 'asset', asset: 'EUR', decimals: 99 },
      { cmd: 'deposit', account: 'nobody', asset: 'USD', amount: '1', transferId: 'd-1' },
      'null',
      '[1]',
      SCENE[1],
    ])
    const { status, stdout, stderr } = onefill(['replay', file, '--round', '100'])
    expect(status).toBe(1)
    expect(reports(stdout).map(({ line, code, field, seq }) => [line, code, field, seq])).toEqual([
      [undefined, undefined, undefined, 1],
      [2, 'MALFORMED', 'line', undefined],
      [4, 'MALFORMED', 'decimals', undefined],
      [5, 'UNKNOWN_ACCOUNT', 'account', undefined],
      [6, 'MALFORMED', 'cmd', undefined],
      [7, 'MALFORMED', 'cmd', undefined],
      [undefined, undefined, undefined, 2],
    ])
    expect(stderr).toContain('5 of 8 lines were no commands\n')
    expect(stderr).toMatch(/^ {2}rejected MALFORMED +4$/m)
  })

  test('a refusal by the exchange is none', () => {
    const file = write('refused.ndjson', [...SCENE, BUY])
    const { status, stdout } = onefill(['replay', file])
    expect(reports(stdout).at(-1)).toMatchObject({ code: 'INSUFFICIENT_FUNDS', seq: 5 })
    expect(status).toBe(0)
  })

  test('of other bytes than UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from(`${JSON.stringify(SCENE[0])}\n{"cmd":"account","account":"`),
      Buffer.from([0xff, 0xc3, 0x28]),
      Buffer.from(`"}\n${JSON.stringify(SCENE[1])}\n`),
    ])
    const { status, stdout } = onefill(['replay'], bytes)
    expect(status).toBe(1)
    expect(reports(stdout)).toMatchObject([
      { seq: 1 },
      { line: 2, code: 'MALFORMED', field: 'line' },
      { seq: 2 },
    ])
  })

  test('of 3 MB is refused, and so is a nest of a million brackets', () => {
    const long = JSON.stringify({ cmd: 'account', account: 'x'.repeat(3_000_000) })
    const nest = '['.repeat(60_000)
    const lines = [JSON.stringify(SCENE[0]), long, nest, JSON.stringify(SCENE[1])]
    const { status, stdout, stderr } = onefill(['replay'], lines.join('\n'))
    expect(reports(stdout)).toMatchObject([
      { seq: 1 },
      { line: 2, code: 'MALFORMED', field: 'line' },
      { line: 3, code: 'MALFORMED' },
      { seq: 2 },
    ])
    expect(status).toBe(1)
    expect(stderr).not.toContain(' at ')
    expect(stdout.length).toBeLessThan(2_000)
  })
})

describe('what cannot be done', () => {
  const said = (args: string[]) => {
    const { status, stdout, stderr } = onefill(args)
    return { status, stdout, lines: stderr.trimEnd().split('\n') }
  }

  test('ends with 2 and one line: no file, no place for the reports', () => {
    const cases = [
      ['replay', 'missing.ndjson'],
      ['replay', directory],
      ['replay', day, '--out', join(directory, 'no', 'such', 'place')],
      ['replay', day, '--out', directory],
    ]
    for (const args of cases) {
      const { status, stdout, lines } = said(args)
      expect([args, status, stdout, lines.length]).toEqual([args, 2, '', 1])
      expect(lines[0]).toMatch(/^onefill: E[A-Z]+: /)
    }
  })

  test.skipIf(!existsSync('/dev/full'))('ends with 2 and one line: a full disk', () => {
    const halts = Array.from({ length: 20_000 }, () => ({ cmd: 'halt', symbol: 'NVDA' }))
    for (const file of [day, write('full.ndjson', [...SCENE, ...halts])]) {
      const full = openSync('/dev/full', 'w')
      const toOutput = spawnSync(process.execPath, [tool, 'replay', file], {
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      })
      closeSync(full)
      const toFile = onefill(['replay', file, '--out', '/dev/full'])
      for (const { status, stderr } of [toFile, toOutput]) {
        expect([status, stderr]).toEqual([2, expect.stringMatching(/^onefill: ENOSPC: .*\n$/)])
      }
    }
  })

  test('ends with 2 and a hint: wrong words and numbers', () => {
    const cases = [
      ['replay', '--round', '0'],
      ['replay', '--round', '1.5'],
      ['replay', '--round', '65537'],
      ['replay', '--round', '-1'],
      ['replay', '--workers', '65'],
      ['replay', '--workers', '2+0'],
      ['replay', '--rounds', '5'],
      ['replay', 'a', 'b'],
      ['reply'],
    ]
    for (const args of cases) {
      const { status, stdout, lines } = said(args)
      expect([args, status, stdout]).toEqual([args, 2, ''])
      expect(lines[0]).toMatch(/^error: /)
      expect(lines.join('\n')).not.toMatch(/^ +at /m)
    }
  })
})

describe('help', () => {
  test('shows an example for each command', () => {
    const { status, stdout } = onefill(['--help'])
    expect(status).toBe(0)
    expect(stdout).toContain('Usage: onefill')
    expect(stdout).toMatch(/Examples?:\n +\$ onefill replay /)
    const replay = onefill(['replay', '--help'])
    expect(replay.status).toBe(0)
    for (const option of ['--out', '--round', '--hash']) expect(replay.stdout).toContain(option)
    expect(replay.stdout).toMatch(/Examples?:\n +\$ onefill replay /)
    expect(onefill(['help', 'replay']).stdout).toBe(replay.stdout)
  })

  test('its examples name options that there are', () => {
    const { stdout } = onefill(['replay', '--help'])
    const examples = stdout.split('Examples:')[1]
    const [options] = stdout.split('Examples:')
    for (const [option] of examples.matchAll(/ --[a-z]+/g)) expect(options).toContain(option)
  })

  test('the version is the package’s', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Json
    expect(onefill(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` })
  })
})

describe('a pipe whose reader has had enough', () => {
  test('ends the run quietly', () => {
    const halts = Array.from({ length: 40_000 }, (_, n) => ({
      cmd: n % 2 === 0 ? 'halt' : 'resume',
      symbol: 'NVDA',
    }))
    const file = write('long.ndjson', [...SCENE, ...halts])
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    const line = '"$0" "$1" replay "$2" | head -n 1; echo "${PIPESTATUS[0]}"'
    const { stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, tool, file], {
      encoding: 'utf8',
    })
    const [first, status] = stdout.trimEnd().split('\n')
    expect(JSON.parse(first)).toMatchObject({ seq: 1, execType: 'accepted' })
    expect([status, stderr]).toEqual(['0', ''])
  })
})
