// `onefill replay FILE`: a file of commands through the exchange, its reports into another.

import { createReadStream, existsSync, statSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Readable } from 'node:stream'
import type { Workers } from '../actors/placement.ts'
import { type Answer, createExchange, type Exchange } from '../exchange.ts'
import { COMMANDS_PER_ROUND_MAX } from '../protocol/bounds.ts'
import { isBlank, parseLine, splitLines } from './lines.ts'
import { EXIT } from './outcome.ts'
import { Output } from './output.ts'

/** What `onefill replay` was told. */
export interface ReplayOptions {
  /** Where the reports go; '-' is standard output. */
  readonly out: string
  /** Commands in a round, from 1; or a blank line ends a round. */
  readonly round: number | 'blank'
  /** Worker threads; 0 runs all in this one. */
  readonly workers: Workers
  /** Print the state hash. */
  readonly hash: boolean
}

const PROGRESS_MS = 200

/**
 * Runs the file (or '-', standard input); returns the exit code: `failed` if some lines were no
 * commands, `misuse` if it could not be done. Writes a summary on standard error.
 */
export async function replayFile(file: string, options: ReplayOptions): Promise<number> {
  const tally = new Tally()
  const exchange = createExchange({ workers: options.workers })
  try {
    // Asked for its size first: a file that is not there is said here, not by a stream's event.
    const progress = new Progress(file === '-' ? 0 : statSync(file).size)
    refuseSameFile(file, options.out)
    const input: Readable = file === '-' ? process.stdin : createReadStream(file)
    await run(exchange, input, new Output(options.out), options.round, tally, progress)
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
    return EXIT.misuse
  } finally {
    await exchange.close()
  }
  return tally.badLines > 0 ? EXIT.failed : EXIT.done
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
  output: Output,
  round: number | 'blank',
  tally: Tally,
  progress: Progress,
): Promise<void> {
  const isBlankEnd = round === 'blank'
  const size = isBlankEnd ? COMMANDS_PER_ROUND_MAX : round
  const take = async (answers: Answer[]) => {
    for (const answer of answers) {
      tally.count(answer)
      output.add(JSON.stringify(answer))
    }
    if (output.isFull) await output.flush()
  }
  let linesInRound = 0
  for await (const line of splitLines(input)) {
    tally.lines += 1
    progress.advance((line?.length ?? 0) + 1, tally.lines)
    const isEmpty = line !== undefined && isBlank(line)
    if (!isEmpty) {
      submitLine(exchange, line, tally.lines)
      linesInRound += 1
    }
    if (isEmpty ? !isBlankEnd || linesInRound === 0 : linesInRound < size) continue
    // With workers, rounds are handed on while earlier ones are still under way.
    await take(exchange.start())
    linesInRound = 0
  }
  await take(exchange.run())
  await output.end()
}

/** Gives one line to the exchange; one that is no JSON is refused there, in its place. */
function submitLine(exchange: Exchange, line: Buffer | undefined, number: number): void {
  const parsed = parseLine(line)
  if (parsed !== undefined) exchange.submit(parsed.value, number)
  else exchange.refuse({ code: 'MALFORMED', field: 'line' }, undefined, number)
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
