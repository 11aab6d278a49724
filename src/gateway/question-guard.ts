// Which questions over NATS are answered: answers are made on the thread that orders go through, so
// all of them together may have a part of its time, one account a part of that; and what waits
// takes memory.
//
// What a question costs is known once it is answered. Until then it counts for the most that it can
// cost, so that many at once do not pass before the first is counted.

import {
  QUESTIONS_MS_PER_S,
  QUESTIONS_OF_ACCOUNT_MS_PER_S,
  QUESTIONS_OF_BOOKS_MS_PER_S,
  QUESTIONS_WAITING_MAX,
} from './bounds.ts'
import type { GatewayRefusal } from './gateway-refusal.ts'
import type { Question } from './questions.ts'

/** Milliseconds of the thread: any question; a line of an answer; the lines that are expected. */
const ANY_MS = 0.05
const LINE_MS = 0.002
const LINES_MAX = { orders: 1_000, balances: 50, resend: 1_000, snapshot: 0 } as const

/** A question that is being answered. */
export interface Asked {
  readonly second: number
  readonly account: string
  readonly ms: number
}

export class QuestionGuard {
  /** Milliseconds of this second that questions have cost, by account; a snapshot is nobody's. */
  private readonly costs = new Map<string, number>()
  private total = 0
  private second = Number.NaN
  private waiting = 0

  /** Counts a question at `nowMs`, by a clock that only goes on; or why it is not answered. */
  begin(question: Question, nowMs: number): Asked | GatewayRefusal {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.second) this.anew(second)
    if (this.waiting >= QUESTIONS_WAITING_MAX) return overloaded(MANY_WAIT)
    const account = question.kind === 'snapshot' ? '' : question.account
    const kind = question.kind === 'query' ? question.verb : question.kind
    const asked = { second, account, ms: costOf(LINES_MAX[kind]) }
    if (this.total + asked.ms > QUESTIONS_MS_PER_S) return overloaded(ALL_TOO_OFTEN)
    const own = (this.costs.get(account) ?? 0) + asked.ms
    // What anybody may ask does not use up what accounts need.
    if (account === '' && own > QUESTIONS_OF_BOOKS_MS_PER_S) return overloaded(BOOKS_TOO_OFTEN)
    if (account !== '' && own > QUESTIONS_OF_ACCOUNT_MS_PER_S) return overloaded(TOO_OFTEN)
    this.waiting += 1
    this.add(asked, asked.ms)
    return asked
  }

  /** It is answered, with so many lines: orders, balances, reports. */
  end(asked: Asked, lines: number): void {
    this.waiting -= 1
    if (asked.second === this.second) this.add(asked, costOf(lines) - asked.ms)
  }

  private add({ account }: Asked, ms: number): void {
    this.total += ms
    this.costs.set(account, (this.costs.get(account) ?? 0) + ms)
  }

  private anew(second: number): void {
    this.second = second
    this.total = 0
    this.costs.clear()
  }
}

const costOf = (lines: number): number => ANY_MS + lines * LINE_MS
const overloaded = (text: string): GatewayRefusal => ({ code: 'OVERLOADED', field: 'frame', text })
const MANY_WAIT = 'too many questions wait for their answer; ask again in a moment'
const TOO_OFTEN = 'the account asks for too much in a second; ask again in the next one'
const BOOKS_TOO_OFTEN = 'books are asked for too often in a second; ask again in the next one'
const ALL_TOO_OFTEN = 'all together ask for too much in a second; ask again in the next one'
