// The command-line tool as a process of its own: run to its end, or talked to while it runs.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json } from './markets.ts'

const TOOL = join(import.meta.dirname, '../../bin/onefill.js')
/** Only to end at all: nothing depends on it but a test that fails anyway. */
const PATIENCE_MS = 180_000

/** What the tool may know of the environment: no servers but those it is told. */
const environment = ({ url, env }: ToolOptions): NodeJS.ProcessEnv => {
  const { DATABASE_URL: _, NATS_URL: __, REDIS_URL: ___, ...rest } = process.env
  return { ...rest, ...(url === undefined ? {} : { DATABASE_URL: url }), ...env }
}

export interface ToolOptions {
  readonly input?: string
  /** DATABASE_URL, if any. */
  readonly url?: string
  readonly cwd?: string
  /** The file that starts it; that of the clone unless given. */
  readonly tool?: string
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the tool to its end. */
export function onefill(args: readonly string[], options: ToolOptions = {}) {
  const { input = '', cwd, tool = TOOL } = options
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...args], {
    ...{ input, env: environment(options), encoding: 'utf8', maxBuffer: 2 ** 28 },
    ...(cwd === undefined ? {} : { cwd }),
  })
  return { status, stdout, stderr }
}

export const jsonLines = (text: string): Json[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)

const running = new Set<ChildProcess>()

/** Ends every tool that was started; for the end of a test. */
export function endTools(): void {
  for (const child of running) child.kill('SIGKILL')
}

export interface ServedOptions extends ToolOptions {
  /** What runs; default: serve. */
  readonly command?: string
  /** The Node that is called; the wrapper may go on with another one. */
  readonly node?: string
}

/** `onefill serve` while it runs, or another command that goes on. */
export class Served {
  /** Whole lines of standard output, and all of standard error. */
  readonly lines: string[] = []
  stderr = ''
  readonly closed: Promise<unknown>
  private readonly child: ChildProcess
  private rest = ''

  constructor(args: readonly string[], options: ServedOptions = {}) {
    const { cwd, tool = TOOL, command = 'serve', node = process.execPath } = options
    this.child = spawn(node, [tool, command, ...args], {
      env: environment(options),
      ...(cwd === undefined ? {} : { cwd }),
    })
    running.add(this.child)
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.rest + text).split('\n')
      this.rest = lines.pop() as string
      this.lines.push(...lines)
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    // What it is told after its end is lost, as with any pipe.
    this.child.stdin?.on('error', () => {})
    this.closed = once(this.child, 'close').finally(() => running.delete(this.child))
  }

  get reports(): Json[] {
    return this.lines.map((line) => JSON.parse(line) as Json)
  }

  say(commands: readonly (object | string)[]): void {
    const lines = commands.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
    this.child.stdin?.write(`${lines.join('\n')}\n`)
  }

  endInput(): void {
    this.child.stdin?.end()
  }

  /** Waits until it is so; throws with what the tool said if it ends before. */
  async until(holds: () => boolean): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS
    while (!holds()) {
      const { exitCode, signalCode } = this.child
      const hasEnded = exitCode !== null || signalCode !== null
      if (hasEnded || performance.now() > untilMs) {
        if (hasEnded) await this.closed
        if (holds()) return
        throw new Error(`serve (${exitCode ?? signalCode ?? 'running'}) said: ${this.stderr}`)
      }
      await sleep(5)
    }
  }

  /** Sends a signal. */
  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Its exit code, or the signal that ended it; throws if it does not end. */
  async end(): Promise<number | string | null> {
    const late = sleep(PATIENCE_MS, 'late', { ref: false })
    if ((await Promise.race([this.closed, late])) === 'late') {
      throw new Error(`it does not end; it said: ${this.stderr}`)
    }
    return this.child.exitCode ?? this.child.signalCode
  }

  /** As a crash: what it said by then is all it said. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.closed
  }
}
