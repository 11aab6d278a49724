// Writers as processes: started, looked at through what they have said so far, killed, stopped.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert, Fault } from '../../src/lib/assert.ts'
import type { WriterTask } from './crash-writer.ts'

const PROGRAM = join(import.meta.dirname, 'crash-writer.ts')
/** More than any of them needs. */
const PATIENCE_MS = 60_000

export class Writer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'onefill-said-'))
  /** A file: what is written there is whole and stays, whatever becomes of the writer. */
  private readonly file = join(this.folder, 'lines')
  private readonly child: ChildProcess
  private readonly ended: Promise<unknown>
  private errors = ''

  constructor(task: WriterTask) {
    const out = openSync(this.file, 'w')
    const args = ['--disable-warning=ExperimentalWarning', PROGRAM, JSON.stringify(task)]
    this.child = spawn(process.execPath, args, { stdio: ['ignore', out, 'pipe'] })
    closeSync(out)
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.errors += chunk
    })
    this.ended = once(this.child, 'close')
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Bytes that it has said. */
  get bytes(): number {
    return statSync(this.file).size
  }

  /** The whole lines that it has said, from a byte on. */
  lines(fromByte = 0): string[] {
    return readFileSync(this.file).subarray(fromByte).toString('utf8').split('\n').slice(0, -1)
  }

  /** The line that says `key`, once it is there. */
  async said(key: string): Promise<string> {
    let found: string | undefined
    await this.until(() => {
      found = this.lines().find((line) => line.startsWith(`{"${key}":`))
      return found !== undefined
    })
    return found as string
  }

  /** Waits until it `holds`; a writer that ends before is a fault. */
  async until(holds: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!holds()) {
      if (!this.isRunning) throw new Fault(`the writer ended by itself: ${this.errors}`)
      assert(performance.now() < deadline, 'the writer does what it is to do')
      await sleep(5)
    }
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void {
    this.child.kill(signal)
  }

  /** Whether it is stopped, by a look at the process table. */
  async isStopped(): Promise<boolean> {
    const ps = spawn('ps', ['-o', 'stat=', '-p', String(this.child.pid)])
    let state = ''
    ps.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      state += chunk
    })
    await once(ps, 'close')
    return state.trim().startsWith('T')
  }

  /** Waits for its end, for at most `msMax`, then kills it; whether it had to be killed. */
  async end(msMax: number): Promise<boolean> {
    const timer = new AbortController()
    const { signal } = timer
    const late = sleep(msMax, true, { signal }).catch(() => false)
    const isLate = await Promise.race([this.ended.then(() => false), late])
    timer.abort()
    if (isLate) this.child.kill('SIGKILL')
    await this.ended
    return isLate
  }

  /** How it ended: its exit code or signal, and what it wrote on its standard error. */
  get outcome(): { by: number | string | null; errors: string } {
    return { by: this.child.exitCode ?? this.child.signalCode, errors: this.errors }
  }

  /** Throws its lines away. */
  forget(): void {
    if (this.isRunning) this.child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The lines that are reports. */
export function reportsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('{"seq":'))
}
