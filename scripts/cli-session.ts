// Types the commands of docs/cli.md in their order, against one running exchange, and holds what
// they say against what the document says. `node scripts/cli-session.ts` writes what differs.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
export const DOCUMENT = join(ROOT, 'docs/cli.md')
const INDENT = '    '
const PROMPT = `${INDENT}$ `

/** A command of the document, what is written below it, and what it says. */
export interface Typed {
  readonly command: string
  readonly written: string
  readonly said: string
}

/** What differs from run to run: times, how long, how much, hashes, ports, made ids. */
const VARYING = [
  /\d{4}-\d\d-\d\dT[\d:.]+Z/,
  /\b\d\d:\d\d:\d\d\b/,
  /\b[\d.,]+ (?:ms|s|bytes|MB|per second)\b/,
  /\b[0-9a-f]{64}\b/,
  /\b[0-9a-f]{8}…[0-9a-f]{5}\b/,
  /127\.0\.0\.1:\d+/,
  /\b[0-9a-z]{8}-[\w-]{8}-\d\b/,
]

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** Whether it is what is written, but for what varies and for what is cut (…). */
export function fits({ written, said }: Typed): boolean {
  const any = new RegExp(`${VARYING.map(({ source }) => source).join('|')}|…`, 'g')
  let pattern = ''
  let end = 0
  for (const { 0: found, index } of written.matchAll(any)) {
    const varying = VARYING.find((each) => new RegExp(`^(?:${each.source})$`).test(found))
    pattern += escaped(written.slice(end, index)) + (varying?.source ?? '[\\s\\S]*')
    end = index + found.length
  }
  return new RegExp(`^${pattern}${escaped(written.slice(end))}$`).test(said)
}

/** Each command of the document, and the lines below it that are what it says. */
function commandsOf(text: string): { command: string; from: number; to: number }[] {
  const lines = text.split('\n')
  const isSaid = (at: number) => lines[at]?.startsWith(INDENT) && !lines[at].startsWith(PROMPT)
  return lines.flatMap((line, at) => {
    // With a … in it it is no command, but the form of one.
    if (!line.startsWith(PROMPT) || line.includes('…')) return []
    let to = at + 1
    while (isSaid(to) || (lines[to] === '' && isSaid(to + 1))) to += 1
    return [{ command: line.slice(PROMPT.length), from: at + 1, to }]
  })
}

/** Types them all, in a folder of their own. */
export async function typeAll(text: string): Promise<Typed[]> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-session-'))
  const lines = text.split('\n')
  const shell = new Shell(folder)
  try {
    const typed: Typed[] = []
    for (const { command, from, to } of commandsOf(text)) {
      const written = lines
        .slice(from, to)
        .map((line) => line.slice(INDENT.length))
        .join('\n')
      typed.push({ command, written, said: await shell.type(command) })
    }
    const stopped = await shell.stop()
    // The first one is the exchange, which goes on until the end.
    return typed.map((each, at) => (at === 0 ? { ...each, said: stopped } : each))
  } finally {
    await shell.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Run {
  readonly child: ChildProcess
  /** All it said, at its end. */
  readonly end: Promise<string>
  readonly isReady: Promise<void>
}

/** A terminal with the exchange, and one beside it. */
class Shell {
  private readonly folder: string
  private exports = ''
  private exchange: Run | undefined

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(join(folder, 'bin'))
    const tool = join(folder, 'bin/onefill')
    writeFileSync(tool, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/bin/onefill.js" "$@"\n`)
    chmodSync(tool, 0o755)
    symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'))
  }

  /** What it says to its end; of the exchange nothing yet, once it is ready. */
  async type(command: string): Promise<string> {
    if (command.startsWith('export ')) this.exports += `${command}; `
    const run = this.start(command)
    if (this.exchange === undefined) {
      this.exchange = run
      await Promise.race([run.isReady, run.end])
      return ''
    }
    return run.end
  }

  /** Ctrl+C to the exchange; all it said. */
  async stop(): Promise<string> {
    this.exchange?.child.kill('SIGINT')
    const said = (await this.exchange?.end) ?? ''
    return said.replace(/^.* stopping$/m, '^C\n$&')
  }

  private start(command: string): Run {
    const { NATS_URL: _, DATABASE_URL: __, PATH, ...rest } = process.env
    // The exchange takes the shell's place, to be told of Ctrl+C.
    const exec = this.exchange === undefined ? 'exec ' : ''
    const child = spawn('bash', ['-c', `exec 2>&1; ${this.exports}${exec}${command}`], {
      cwd: this.folder,
      env: {
        ...{ ...rest, PATH: `${join(this.folder, 'bin')}:${PATH}` },
        ...{ ONEFILL_LOG_FORMAT: 'pretty', ONEFILL_HTTP_PORT: '0' },
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    const ready = Promise.withResolvers<void>()
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes(' ready: ')) ready.resolve()
    })
    const end = once(child, 'close').then(() => said.trimEnd())
    return { child, end, isReady: ready.promise }
  }
}

if (import.meta.main) {
  const text = readFileSync(DOCUMENT, 'utf8')
  const typed = await typeAll(text)
  const lines = text.split('\n')
  // From the end on, or the places below would move.
  for (const [at, { from, to }] of [...commandsOf(text).entries()].toReversed()) {
    if (fits(typed[at])) continue
    console.log(`written anew: ${typed[at].command}`)
    const said = typed[at].said.split('\n').map((line) => (line === '' ? '' : INDENT + line))
    lines.splice(from, to - from, ...said)
  }
  writeFileSync(DOCUMENT, lines.join('\n'))
}
