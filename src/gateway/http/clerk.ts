// Between a request over HTTP and the exchange: hands in, and waits for the durable answer, but not
// for ever.

import type { QueryAnswer } from '../../engine/answers.ts'
import type { CodeName } from '../../protocol/codes.ts'
import type { InstrumentsAnswer } from '../../protocol/instrument-json.ts'
import { refusalOf } from '../../protocol/refusal.ts'
import type { Report } from '../../protocol/report-json.ts'
import type { Reports } from '../../protocol/reports.ts'
import { type Desk, sureOf } from '../desk.ts'
import { Answers, Replies } from '../replies.ts'
import { bodyOf, type OrderVerb } from '../subjects.ts'
import { type Problem, problemOf, refusalProblem } from './problem.ts'

/** The exchange that leads, as HTTP needs it. */
export interface HttpDesk extends Desk {
  instruments(): Promise<InstrumentsAnswer | Report>
}

type Asked<A> = (desk: HttpDesk) => Promise<A | Report>

/** A request whose commands are not all durable. */
class Waiting extends Answers<Report> {
  readonly done = Promise.withResolvers<readonly Report[] | undefined>()
}

export class Clerk {
  private readonly answerMs: number
  private readonly onRefused: (code: string) => void
  private readonly replies = new Replies<Report, Waiting>()
  private readonly waiting = new Set<Waiting>()
  private desk: HttpDesk | undefined

  /**
   * A request is answered within `answerMs`, if only by UNANSWERED. `onRefused` learns what was not
   * taken in; what the exchange refuses in a report, whoever counts reports.
   */
  constructor(answerMs: number, onRefused: (code: string) => void) {
    this.answerMs = answerMs
    this.onRefused = onRefused
  }

  /** Whether somebody leads here. */
  get isOpen(): boolean {
    return this.desk !== undefined
  }

  /** Serves whoever leads. */
  open(desk: HttpDesk): void {
    this.desk = desk
  }

  /** Takes nothing in any more; what was taken in is answered. */
  finishTaking(): void {
    this.desk = undefined
  }

  /** Nothing more is answered: who waits is told that nobody can say. */
  abandon(): void {
    this.desk = undefined
    for (const each of this.waiting) each.done.resolve(undefined)
  }

  /** Takes reports, all of them in order. */
  settle(reports: Reports): void {
    const { replies } = this
    for (let number = 0; number < reports.length && replies.count > 0; number += 1) {
      if (replies.waiting(reports.seqAt(number)) === undefined) continue
      const complete = replies.settle(reports.at(number))
      complete?.done.resolve(complete.all)
    }
  }

  /**
   * Hands commands of an account in, all in one turn; their first reports or refusals, in order,
   * once all are durable.
   */
  async submit(
    account: string,
    verb: OrderVerb,
    commands: readonly unknown[],
  ): Promise<readonly Report[] | Problem> {
    const { desk, waiting } = this
    if (desk === undefined) return problemOf('NOT_LEADING')
    const each = new Waiting(commands.length)
    let isComplete = false
    for (const [index, command] of commands.entries()) {
      const got = handIn(desk, account, verb, command)
      if (typeof got === 'number') {
        this.replies.expect(got, each, index)
        continue
      }
      const refusal = sureOf(desk, got, command)
      if (refusal.code !== undefined) this.onRefused(refusal.code)
      isComplete = each.answer(index, refusal)
    }
    if (isComplete) return each.all
    waiting.add(each)
    const timer = setTimeout(() => each.done.resolve(undefined), this.answerMs)
    const reports = await each.done.promise
    clearTimeout(timer)
    waiting.delete(each)
    return reports ?? problemOf('UNANSWERED')
  }

  /** Asks the exchange; `missing` is the code that says that what the path names is not there. */
  query<A extends QueryAnswer>(query: object, missing?: CodeName): Promise<A | Problem> {
    return this.ask((desk) => desk.query(query) as Promise<A | Report>, query, missing)
  }

  /** All instruments. */
  instruments(): Promise<InstrumentsAnswer | Problem> {
    return this.ask((desk) => desk.instruments(), {})
  }

  private async ask<A extends object>(
    asked: Asked<A>,
    query: object,
    missing?: CodeName,
  ): Promise<A | Problem> {
    const { desk } = this
    if (desk === undefined) return problemOf('NOT_LEADING')
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), this.answerMs)
    // It rejects when nothing goes on any more: whoever leads next is asked again.
    const answered = asked(desk).catch(() => refusalOf({ code: 'NOT_LEADING' }, query))
    const answer = await Promise.race([answered, late.promise])
    clearTimeout(timer)
    if (answer === undefined) return problemOf('JOURNAL_UNAVAILABLE')
    if (!('execType' in answer)) return answer
    return refusalProblem(sureOf(desk, answer as Report, query), missing)
  }
}

/** The command's `seq`, or why it is not taken in. */
function handIn(
  desk: HttpDesk,
  account: string,
  verb: OrderVerb,
  command: unknown,
): number | Report {
  const said = bodyOf({ kind: 'order', account, verb }, command)
  if (said.kind === 'body') return desk.submit(said.body)
  const { code, field } = said
  const text = code === 'WRONG_ACCOUNT' ? OTHER_ACCOUNT : field === 'cmd' ? OTHER_CMD : said.text
  return { ...refusalOf({ code, field }, command), text }
}

const OTHER_ACCOUNT = 'the command names another account than the one that asks; leave it out'
const OTHER_CMD = 'it is not what the route is for'
