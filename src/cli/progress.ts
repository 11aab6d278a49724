// How far a replay is: a bar on a terminal, rewritten; else a line every few seconds.

import { performance } from 'node:perf_hooks'

const BAR_CELLS = 30
const BAR_MS = 100
const LINE_MS = 3_000

export class Progress {
  private readonly what: string
  private readonly tell: (line: string, fields: { seq: number; ofSeq: number }) => void
  private readonly isTerminal = process.stderr.isTTY
  private nextMs: number
  private isShown = false

  /** `what` is being done, like "recovering"; `tell` takes the line where there is no bar. */
  constructor(
    what: string,
    tell: Progress['tell'] = (line) => void process.stderr.write(`${line}\n`),
  ) {
    this.what = what
    this.tell = tell
    this.nextMs = performance.now() + (this.isTerminal ? 0 : LINE_MS)
  }

  /** `seq` of `ofSeq` is done. */
  at(seq: number, ofSeq: number): void {
    const nowMs = performance.now()
    if (nowMs < this.nextMs) return
    this.nextMs = nowMs + (this.isTerminal ? BAR_MS : LINE_MS)
    const part = ofSeq === 0 ? 1 : Math.min(1, seq / ofSeq)
    const done = `seq ${seq.toLocaleString('en')} of ${ofSeq.toLocaleString('en')}`
    const percent = `${Math.floor(part * 100)} %`
    if (!this.isTerminal) {
      this.tell(`${this.what}: ${done}, ${percent}`, { seq, ofSeq })
      return
    }
    const cells = Math.floor(part * BAR_CELLS)
    const bar = `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)}`
    process.stderr.write(`\r${this.what} ${bar} ${percent}, ${done}\u001b[K`)
    this.isShown = true
  }

  /** Takes the bar away. */
  end(): void {
    if (this.isShown) process.stderr.write('\r\u001b[K')
    this.isShown = false
  }
}
