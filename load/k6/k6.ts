// One run of k6: begun when its users are ready, measured, and what it came to.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CpuClock } from '../../bench/process-time.ts'
import { findK6 } from './binary.ts'

/** Variables of a script. */
export type Variables = Readonly<Record<string, string>>

/** A metric as `--summary-export` has it: a counter's `count`, a trend's `med`, `p(99)` … */
export type Metric = Readonly<Record<string, number>>

export interface K6Options {
  /** Let k6 write its summary; if not, what it wrote is in the outcome. */
  readonly isShown?: boolean
  /** Processor times besides k6's own. */
  readonly others?: CpuClock
}

export interface K6Outcome {
  /** k6's exit code: 0, 99 for a threshold that does not hold; undefined if it was killed. */
  readonly code: number | undefined
  /** By name; empty where k6 was killed before it said them. */
  readonly metrics: Readonly<Record<string, Metric>>
  /** Processor time from begin to end, in microseconds, by name; k6's own is `k6`. */
  readonly cpuMicros: Readonly<Record<string, number>>
  /** What the script has said with `console.log`. */
  readonly lines: readonly string[]
  /** What k6 wrote, where it was not shown. */
  readonly output: string
}

export interface K6Run {
  readonly child: ChildProcess
  /** Resolves when its users are ready and the script's `setup` runs, or k6 has ended before. */
  readonly begun: Promise<void>
  readonly ended: Promise<K6Outcome>
}

/** How often processor times are read, in ms: the last ones of a process that ends are lost. */
const SAMPLE_MS = 50
/** k6 writes such a line for each request without an answer; the scripts count them. */
const NO_ANSWER = /msg="Request Failed"/

/** Starts a script of this folder, which tells that it begins by a request to `BEGUN_URL`. */
export async function startK6(
  script: string,
  variables: Variables,
  { isShown = false, others = new CpuClock({}) }: K6Options = {},
): Promise<K6Run> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-k6-'))
  const [summary, said] = [join(folder, 'summary.json'), join(folder, 'said')]
  const begun = Promise.withResolvers<void>()
  const bell = createServer((_, response) => {
    begun.resolve()
    response.end()
  })
  await once(bell.listen(0, '127.0.0.1'), 'listening')
  const { port } = bell.address() as AddressInfo
  const all = { ...variables, BEGUN_URL: `http://127.0.0.1:${port}/` }
  const env = Object.entries(all).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const files = ['--summary-export', summary, '--console-output', said]
  const file = join(import.meta.dirname, `${script}.js`)
  const child = spawn(findK6(), ['run', '--quiet', ...files, ...env, file], {
    stdio: ['ignore', isShown ? 'inherit' : 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = text.split('\n').filter((line) => line !== '' && !NO_ANSWER.test(line))
    const rest = lines.map((line) => `${line}\n`).join('')
    if (isShown) process.stderr.write(rest)
    else output += rest
  })
  const stop = sampling(others, child, begun.promise)
  const ended = once(child, 'close').then(([code]): K6Outcome => {
    begun.resolve()
    bell.close()
    bell.closeAllConnections()
    const metrics = existsSync(summary) ? JSON.parse(readFileSync(summary, 'utf8')).metrics : {}
    const lines = existsSync(said) ? linesOf(readFileSync(said, 'utf8')) : []
    rmSync(folder, { recursive: true, force: true })
    return { code: code ?? undefined, metrics, cpuMicros: stop(), lines, output }
  })
  return { child, begun: begun.promise, ended }
}

/** Reads processor times from `begun` on; the function ends it and gives what was used. */
function sampling(others: CpuClock, child: ChildProcess, begun: Promise<void>) {
  const own = new CpuClock({ k6: child.pid === undefined ? [] : [child.pid] })
  const read = () => ({ ...own.read(), ...others.read() })
  let [first, last] = [read(), read()]
  begun.then(() => {
    first = read()
  })
  const timer = setInterval(() => {
    const now = read()
    // Of a process that has ended nothing can be read.
    if (now.k6 > 0) last = now
  }, SAMPLE_MS)
  return (): Record<string, number> => {
    clearInterval(timer)
    return Object.fromEntries(
      Object.keys(last).map((name) => [name, Math.max(0, last[name] - first[name])]),
    )
  }
}

/** The texts of k6's log lines. */
function linesOf(log: string): string[] {
  return log
    .split('\n')
    .map((line) => / level=info msg="?([^"]*)"?$/.exec(line)?.[1])
    .filter((text) => text !== undefined)
}
