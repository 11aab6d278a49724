// Commands as lines on standard input, reports and answers as lines on standard output.

import type { DurableExchange } from '../durable.ts'
import type { QueryAnswer, Report } from '../exchange.ts'
import { isQuery } from '../protocol/decode.ts'
import { refusalOf } from '../protocol/refusal.ts'
import { isBlank, parseLine, splitLines } from './lines.ts'
import { write } from './output.ts'

/** Who takes commands in. */
export type Taker = Pick<DurableExchange, 'submit' | 'query'>

export class StdioGateway {
  private readonly asked = new Set<Promise<void>>()

  constructor() {
    // Each write says for itself that it has failed.
    process.stdout.on('error', () => {})
  }

  /** Writes them; they count as published when they are handed on. */
  readonly takeReports = (reports: Iterable<Report | QueryAnswer>): Promise<void> => {
    const lines = Array.from(reports, (report) => `${JSON.stringify(report)}\n`)
    return write(process.stdout, lines.join(''))
  }

  /**
   * Reads to the end of input and gives each line to whoever leads then; what is refused is said
   * before the next line is read. Resolves when every query is answered.
   */
  async read(leader: () => Taker | undefined): Promise<void> {
    let line = 0
    for await (const text of splitLines(process.stdin)) {
      line += 1
      if (text !== undefined && isBlank(text)) continue
      const refusal = this.take(text, line, leader())
      if (refusal !== undefined) await this.takeReports([{ ...refusal, line }])
    }
    await Promise.all(this.asked)
  }

  private take(
    text: Buffer | undefined,
    line: number,
    leader: Taker | undefined,
  ): Report | undefined {
    const parsed = parseLine(text)
    if (parsed === undefined) return refusalOf({ code: 'MALFORMED', field: 'line' }, undefined)
    const { value } = parsed
    if (leader === undefined) return refusalOf({ code: 'NOT_LEADING' }, value)
    if (isQuery(value)) {
      this.ask(leader.query(value), line)
      return undefined
    }
    const taken = leader.submit(value)
    return typeof taken === 'number' ? undefined : taken
  }

  private ask(answer: Promise<QueryAnswer | Report>, line: number): void {
    const written = answer.then(
      (found) => this.takeReports(['execType' in found ? { ...found, line } : found]),
      // Nothing goes on any more, which the exchange says by itself.
      () => {},
    )
    const done = written.catch(() => {}).finally(() => this.asked.delete(done))
    this.asked.add(done)
  }
}
