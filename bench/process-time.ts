// Processor time of processes, as Linux tells it.

import { globSync, readFileSync } from 'node:fs'

/** Microseconds in a tick of /proc: they are hundredths of a second on every Linux. */
const TICK_MICROS = 10_000

export class CpuClock {
  private readonly pids: Readonly<Record<string, readonly number[]>>

  /** By name: processes whose times are added. */
  constructor(pids: Readonly<Record<string, readonly number[]>>) {
    this.pids = pids
  }

  /** A process and its children. */
  static family(pid: number): number[] {
    const stats = globSync('/proc/[0-9]*/stat')
    const children = stats.map(fieldsOf).filter((fields) => Number(fields?.parent) === pid)
    return [pid, ...children.map((fields) => Number(fields?.pid))]
  }

  /** Microseconds of processor time so far, by name; those of a process that is gone are 0. */
  read(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.pids).map(([name, pids]) => {
        const ticks = pids.map((pid) => fieldsOf(`/proc/${pid}/stat`)?.ticks ?? 0)
        return [name, ticks.reduce((sum, each) => sum + each, 0) * TICK_MICROS]
      }),
    )
  }
}

function fieldsOf(path: string): { pid: number; parent: number; ticks: number } | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // It ended meanwhile.
    return undefined
  }
  // The name, in parentheses, may hold anything.
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(rest[1]),
    ticks: Number(rest[11]) + Number(rest[12]),
  }
}
