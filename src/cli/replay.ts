// `onefill replay`: a file of commands through the exchange, its reports into another.

import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Workers } from '../actors/placement.ts'
import { type Answer, createExchange, type Exchange } from '../exchange.ts'
import { splitLines } from './lines.ts'
import { CHUNK_CHARS, write } from './output.ts'

/** What `onefill replay` was told. */
export interface ReplayOptions {
  /** Where the reports go; '-' is standard output. */
  readonly out: string
  /** Commands in a round, from 1. */
  readonly round: number
  /** Worker threads; 0 runs all in this one. */
  readonly workers: Workers
  /** Print the state hash. */
  readonly hash: boolean
}

/**
 * Exit codes: all lines were commands; some were not; the run could not be done; an invariant broke
 * (EX_SOFTWARE of sysexits.h).
 */
const EXIT = { done: 0, badLines: 1, failed: 2, fault: 70 } as const

const PROGRESS_MS = 200
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Runs the file (or '-', standard input); returns the exit code. Writes a summary on standard
 * error.
 */
export async function replay(file: string, options: ReplayOptions): Promise<number> {
  const tally = new Tally()
  const exchange = createExchange({ workers: options.workers })
  try {
    // Asked for its size first: a file that is not there is said here, not by a stream's event.
    const progress = new Progress(file === '-' ? 0 : statSync(file).size)
    refuseSameFile(file, options.out)
    const input: Readable = file === '-' ? process.stdin : createReadStream(file)
    const output = options.out === '-' ? process.stdout : createWriteStream(options.out)
    await run(exchange, input, output, options.round, tally, progress)
    progress.end()
    process.stderr.write(`${tally.summary(exchange, options.hash)}\n`)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Whoever read our output has had enough: no failure.
    if (code === 'EPIPE') return EXIT.done
    // What is no system's error broke in here, whether it was asserted or not.
    if (code === undefined) {
      process.stderr.write(`onefill: fault: ${exchange.describeFault(error as Error)}\n`)
      return EXIT.fault
    }
    process.stderr.write(`onefill: ${message}\n`)
    return EXIT.failed
  } finally {
    await exchange.close()
  }
  return tally.badLines > 0 ? EXIT.badLines : EXIT.done
}

/** Opening the output would empty the input. */
function refuseSameFile(file: string, out: string): void {
  if (file === '-' || out === '-' || !existsSync(out)) return
  const [from, to] = [statSync(file), statSync(out)]
  if (from.ino !== to.ino || from.dev !== to.dev || !from.isFile()) return
  const error: NodeJS.ErrnoException = new Error(`EINVAL: the reports would overwrite ${out}`)
  error.code = 'EINVAL'
  throw error
}

async function run(
  exchange: Exchange,
  input: Readable,
  output: Writable,
  round: number,
  tally: Tally,
  progress: Progress,
): Promise<void> {
  // A failing output must stop the run, not end the process with a stack trace.
  let failure: Error | undefined
  output.on('error', (error) => {
    failure ??= error
  })
  let text = ''
  const flush = async (isLast: boolean) => {
    // With workers, rounds are handed on while earlier ones are still under way.
    for (const answer of isLast ? exchange.run() : exchange.start()) {
      tally.count(answer)
      text += `${JSON.stringify(answer)}\n`
    }
    if (text.length < CHUNK_CHARS && !isLast) return
    if (failure) throw failure
    await write(output, text)
    text = ''
  }
  let linesInRound = 0
  for await (const line of splitLines(input)) {
    tally.lines += 1
    progress.advance((line?.length ?? 0) + 1, tally.lines)
    if (line !== undefined && isBlank(line)) continue
    submitLine(exchange, line, tally.lines)
    linesInRound += 1
    if (linesInRound < round) continue
    await flush(false)
    linesInRound = 0
  }
  await flush(true)
  if (output === process.stdout) return
  output.end()
  await finished(output)
}

/** Gives one line to the exchange; one that is no JSON is refused there, in its place. */
function submitLine(exchange: Exchange, line: Buffer | undefined, number: number): void {
  let command: unknown
  try {
    if (line === undefined) throw new SyntaxError('too long')
    command = JSON.parse(UTF8.decode(line))
  } catch (error) {
    // JSON.parse and the decoder throw these for bad input; anything else is a fault.
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
    exchange.refuse({ code: 'MALFORMED', field: 'line' }, undefined, number)
    return
  }
  exchange.submit(command, number)
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

/** Counts what came out. */
class Tally {
  lines = 0
  badLines = 0
  private readonly outcomes = new Map<string, number>()
  private readonly startMs = performance.now()

  count(answer: Answer): void {
    let outcome = 'answers'
    if ('execType' in answer) {
      if (answer.seq === undefined) this.badLines += 1
      outcome = answer.code === undefined ? answer.execType : `${answer.execType} ${answer.code}`
      if (answer.duplicate) outcome = `duplicate ${outcome}`
    }
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }

  summary(exchange: Exchange, withHash: boolean): string {
    const seconds = (performance.now() - this.startMs) / 1_000
    const width = Math.max(0, ...[...this.outcomes.keys()].map((name) => name.length))
    const rows = [...this.outcomes].sort(([, a], [, b]) => b - a)
    const lines = rows.map(([name, count]) => `  ${name.padEnd(width)}  ${count}`)
    const rate = Math.round(exchange.seq / seconds).toLocaleString('en')
    lines.unshift(`${exchange.seq} commands in ${seconds.toFixed(2)} s, ${rate} per second`)
    if (this.badLines > 0) lines.push(`${this.badLines} of ${this.lines} lines were no commands`)
    if (withHash) lines.push(`state ${exchange.stateHash()} at seq ${exchange.seq}`)
    return lines.join('\n')
  }
}

/** One line on a terminal, rewritten; nothing where standard error is no terminal. */
class Progress {
  private readonly bytesTotal: number
  private bytes = 0
  private nextMs = 0

  constructor(bytesTotal: number) {
    this.bytesTotal = bytesTotal
  }

  advance(bytes: number, lines: number): void {
    this.bytes += bytes
    if (!process.stderr.isTTY || (lines & 1023) !== 0) return
    const nowMs = performance.now()
    if (nowMs < this.nextMs) return
    this.nextMs = nowMs + PROGRESS_MS
    const percent =
      this.bytesTotal === 0 ? '' : ` ${Math.floor((this.bytes / this.bytesTotal) * 100)} %`
    process.stderr.write(`\r${lines.toLocaleString('en')} lines${percent} `)
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  }
}
