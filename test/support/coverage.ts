// Counts what a run of the fuzzer has reached: commands, report types, codes.

import { readFileSync } from 'node:fs'
import { COMMAND_KINDS } from '../model/intake.ts'

type Json = Record<string, unknown>

export const EXEC_TYPES = [
  'new',
  'trade',
  'canceled',
  'expired',
  'replaced',
  'restated',
  'rejected',
  'accepted',
]

/** Codes that the engine does not give: the running exchange and its gateways do. */
export const CODES_OF_THE_EDGE = [
  'NOT_LEADING',
  'JOURNAL_UNAVAILABLE',
  'OVERLOADED',
  'WRONG_ACCOUNT',
  'HISTORY_GONE',
]

/** Codes that random commands cannot reach; each has a test of its own. */
export const CODES_OUT_OF_REACH = ['LIMIT_REACHED', ...CODES_OF_THE_EDGE]

/** Every code that docs/commands.md names. */
export function documentedCodes(): string[] {
  const page = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8')
  const codes = page.match(/`[A-Z]+(_[A-Z]+)*`/g)!.map((word) => word.slice(1, -1))
  const notCodes = ['GTC', 'IOC', 'FOK']
  return [...new Set(codes)].filter((code) => !notCodes.includes(code))
}

export class Coverage {
  readonly counts = new Map<string, number>()

  constructor() {
    for (const cmd of COMMAND_KINDS) this.counts.set(`cmd ${cmd}`, 0)
    for (const execType of EXEC_TYPES) this.counts.set(`execType ${execType}`, 0)
    for (const code of documentedCodes()) this.counts.set(`code ${code}`, 0)
  }

  round(commands: unknown[], reports: Json[]): void {
    for (const command of commands) {
      const cmd = (command as Json | null)?.cmd
      if (typeof cmd === 'string' && COMMAND_KINDS.includes(cmd)) this.count(`cmd ${cmd}`)
    }
    for (const report of reports) {
      this.count(`execType ${report.execType}`)
      if (report.code !== undefined) this.count(`code ${report.code}`)
      if (report.duplicate === true) this.count(`duplicate ${report.execType}`)
      if (report.execType === 'accepted') this.count(`accepted ${report.cmd}`)
    }
  }

  add(other: Coverage): void {
    for (const [name, count] of other.counts) this.count(name, count)
  }

  /** What was reached less than `least` times. */
  missing(least: number): string[] {
    const reachable = [...this.counts].filter(
      ([name]) => !CODES_OUT_OF_REACH.includes(name.slice('code '.length)),
    )
    return reachable.filter(([, count]) => count < least).map(([name, n]) => `${name}: ${n}`)
  }

  table(): string {
    const rows = [...this.counts].map(([name, count]) => `${name.padEnd(34)} ${count}`)
    return rows.join('\n')
  }

  private count(name: string, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by)
  }
}
