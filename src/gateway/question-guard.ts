// Which questions over NATS are answered: answers are made on the thread that orders go through, so
// nobody may ask for all of its time; and what waits takes memory.

import { QUESTIONS_OF_ACCOUNT_PER_S, QUESTIONS_WAITING_MAX } from './bounds.ts'
import type { GatewayRefusal } from './gateway-refusal.ts'
import type { Question } from './questions.ts'

export class QuestionGuard {
  /** Questions of this second, by account. */
  private readonly counts = new Map<string, number>()
  private second = Number.NaN
  private waiting = 0

  /** Why it is not answered at `nowMs`, by a clock that only goes on; else it is counted. */
  refusalOf(question: Question, nowMs: number): GatewayRefusal | undefined {
    if (this.waiting >= QUESTIONS_WAITING_MAX) return overloaded(MANY_WAIT)
    // A snapshot costs little, and is nobody's.
    if (question.kind === 'snapshot') return undefined
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.second) this.counts.clear()
    this.second = second
    const { account } = question
    const count = (this.counts.get(account) ?? 0) + 1
    if (count > QUESTIONS_OF_ACCOUNT_PER_S) return overloaded(TOO_OFTEN)
    this.counts.set(account, count)
    return undefined
  }

  /** Counts a question that waits, until it is answered. */
  async held<T>(answer: Promise<T>): Promise<T> {
    this.waiting += 1
    try {
      return await answer
    } finally {
      this.waiting -= 1
    }
  }
}

const overloaded = (text: string): GatewayRefusal => ({ code: 'OVERLOADED', field: 'frame', text })
const MANY_WAIT = 'too many questions wait for their answer; ask again in a moment'
const TOO_OFTEN = `an account may ask ${QUESTIONS_OF_ACCOUNT_PER_S} times a second; ask again then`
