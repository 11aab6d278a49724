// Runs the same rounds through engine and model and stops at the first difference.

import { Model } from '../model/model.ts'
import {
  balancesDifference,
  bookDifference,
  ordersDifference,
  reportDifference,
} from './compare.ts'
import { Coverage } from './coverage.ts'
import { Generator } from './generator.ts'
import { addPostings, brokenInvariant, type Ledger, type Posting } from './invariants.ts'
import { type MakeCore, newExchange, restored } from './placements.ts'
import { Prng } from './prng.ts'
import { type Rounds, shrink } from './shrink.ts'

type Json = Record<string, unknown>

/** What the engine is to the comparison. */
export type Exchange = {
  execute(commands: unknown[]): object[]
  balances(account: string): object
  book(symbol: string, depth?: number): object
  orders(account: string): object
  postings(): Posting[]
  readonly seq: number
  stateHash(): string
  serialize(): Uint8Array
  /** Checks its own invariants; throws at the first that does not hold. */
  check(): void
}

export type Engine = {
  create(options: { postings?: boolean; submissionsRemembered?: number }): Exchange
  restore(bytes: Uint8Array, options: { postings?: boolean }): Exchange
}

/** An engine on cores of the caller's making. */
export function engineOn(make: MakeCore): Engine {
  return {
    create: (options) => newExchange(make, options),
    restore: (bytes, options) => restored(make, bytes, options),
  }
}

export type Difference = { round: number; what: string; engine: unknown; model: unknown }

export type Checks = {
  submissionsRemembered: number
  /** Balances, books and orders are compared every so many rounds, and at the end. */
  answersEvery: number
  /** The engine is written out and read back every so many rounds. */
  restoreEvery: number
  postings: boolean
}

/** Engine and model side by side, fed with the same rounds. */
export class Duel {
  readonly model: Model
  exchange: Exchange
  readonly coverage = new Coverage()
  private readonly engine: Engine
  private readonly checks: Checks
  private readonly ledger: Ledger | null
  private rounds = 0

  constructor(engine: Engine, checks: Checks) {
    this.engine = engine
    this.checks = checks
    const { submissionsRemembered, postings } = checks
    this.exchange = engine.create({ submissionsRemembered, postings })
    this.model = new Model({ submissionsRemembered })
    this.ledger = postings ? new Map() : null
  }

  /** One round; the model's reports, or where the two differ. */
  play(commands: unknown[]): Difference | Json[] {
    const round = this.rounds++
    const model = this.model.execute(commands)
    let engine: Json[]
    try {
      engine = this.exchange.execute(commands) as Json[]
    } catch (error) {
      return { round, what: 'the engine threw', engine: stackOf(error), model }
    }
    for (let i = 0; i < Math.max(engine.length, model.length); i++) {
      const field =
        engine[i] === undefined || model[i] === undefined
          ? 'number of reports'
          : reportDifference(engine[i], model[i])
      if (field === null) continue
      return { round, what: `report ${i}: ${field}`, engine: engine[i], model: model[i] }
    }
    this.coverage.round(commands, engine)
    if (this.ledger !== null) {
      const broken = addPostings(this.exchange.postings(), this.model.names, this.ledger)
      if (broken !== null) return { round, what: broken, engine: this.exchange.postings(), model }
    }
    if (round % this.checks.restoreEvery === this.checks.restoreEvery - 1) {
      const difference = this.restore(round)
      if (difference !== null) return difference
    }
    if (round % this.checks.answersEvery !== 0) return model
    return this.compareAnswers(round) ?? model
  }

  /** Compares every answer to every query, and checks the invariants. */
  compareAnswers(round = this.rounds): Difference | null {
    const { exchange, model } = this
    const differ = (what: string, engine: unknown, expected: unknown): Difference => {
      return { round, what, engine, model: expected }
    }
    if (exchange.seq !== model.seq) return differ('seq', exchange.seq, model.seq)
    try {
      exchange.check()
      const broken = brokenInvariant(exchange, model.names, this.ledger)
      if (broken !== null) return differ(broken, null, null)
      for (const name of model.accountNames()) {
        const [engine, expected] = [exchange.balances(name) as Json, model.balances(name)]
        const field = balancesDifference(engine, expected)
        if (field !== null) return differ(`balances of ${name}: ${field}`, engine, expected)
        if (name.startsWith('$')) continue
        const [theirs, ours] = [exchange.orders(name) as Json, model.orders(name)]
        const other = ordersDifference(theirs, ours)
        if (other !== null) return differ(`orders of ${name}: ${other}`, theirs, ours)
      }
      for (const symbol of model.symbols()) {
        for (const depth of [undefined, 1, 1000]) {
          const [engine, expected] = [
            exchange.book(symbol, depth) as Json,
            model.book(symbol, depth),
          ]
          const field = bookDifference(engine, expected)
          if (field !== null) return differ(`book of ${symbol}: ${field}`, engine, expected)
        }
      }
    } catch (error) {
      return differ('an answer threw', stackOf(error), null)
    }
    return null
  }

  /** Goes on with a copy that was written out and read back. */
  private restore(round: number): Difference | null {
    try {
      const before = this.exchange.stateHash()
      const { postings } = this.checks
      const copy = this.engine.restore(this.exchange.serialize(), { postings })
      const after = copy.stateHash()
      if (after !== before) return { round, what: 'state hash', engine: after, model: before }
      this.exchange = copy
      return null
    } catch (error) {
      return { round, what: 'restore threw', engine: stackOf(error), model: null }
    }
  }
}

export type Run = {
  seed: number
  rounds: Rounds
  checks: Checks
  coverage: Coverage
  commands: number
  stateHash: string
  difference: Difference | null
}

/** A seed's run: its profile, its round sizes, at least so many random commands. */
export function runSeed(engine: Engine, seed: number, commands: number): Run {
  const random = new Prng(seed * 31 + 5)
  const generator = new Generator(seed)
  const sizeMax = random.pick([1, 1, 3, 10, 40, 200])
  const rare = { 1: 300, 3: 200, 10: 100, 40: 40, 200: 10 }[sizeMax]!
  const checks: Checks = {
    submissionsRemembered: generator.profile.submissionsRemembered,
    answersEvery: random.chance(0.1) ? 1 : rare,
    restoreEvery: random.pick([7, 50, 100]) * Math.ceil(rare / 10),
    postings: random.chance(0.7),
  }
  const duel = new Duel(engine, checks)
  const setup = generator.setup()
  const rounds: Rounds = sizeMax === 1 ? setup.map((command) => [command]) : [setup]
  const play = (round: unknown[]) => {
    const outcome = duel.play(round)
    if (!Array.isArray(outcome)) return outcome
    generator.observe(outcome, (account, asset) => duel.model.availableOf(account, asset))
    return null
  }
  let count = setup.length
  let difference: Difference | null = null
  for (const round of rounds) difference ??= play(round)
  while (count < commands && difference === null) {
    const round = generator.round(random.int(1, sizeMax))
    rounds.push(round)
    count += round.length
    difference = play(round)
  }
  difference ??= duel.compareAnswers()
  const { coverage } = duel
  const stateHash = duel.exchange.stateHash()
  return { seed, rounds, checks, coverage, commands: count, stateHash, difference }
}

/** The first difference in these rounds, or null. */
export function replay(engine: Engine, rounds: Rounds, checks: Checks): Difference | null {
  const duel = new Duel(engine, checks)
  for (const round of rounds) {
    const outcome = duel.play(round)
    if (!Array.isArray(outcome)) return outcome
  }
  return duel.compareAnswers()
}

/** The run's rounds without what the difference does not need. */
export function shrinkRun(engine: Engine, run: Run): { rounds: Rounds; difference: Difference } {
  const upTo = run.rounds.slice(0, run.difference!.round + 1)
  const kind = kindOf(run.difference!)
  const every = { ...run.checks, answersEvery: 1 }
  const checks = kind.startsWith('report') ? run.checks : every
  const fails = (rounds: Rounds) => {
    const difference = replay(engine, rounds, checks)
    return difference !== null && kindOf(difference) === kind
  }
  const rounds = fails(upTo) ? shrink(upTo, fails) : upTo
  return { rounds, difference: replay(engine, rounds, checks) ?? run.difference! }
}

/** A difference's words without the numbers and names that shrinking changes. */
function kindOf({ what, engine, model }: Difference): string {
  const codes = [engine, model].map((report) => (report as Json | null)?.code ?? '-')
  if (what.startsWith('report')) return `${what.replace(/\d+/, '')} ${codes.join(' ')}`
  // The last words of a broken invariant say which; the first ones name an account.
  return what.includes(':') ? what.split(/ of |:/)[0] : what.replace(/[\d.-]+|^\S+/g, '')
}

export function describe(run: Run, difference: Difference): string {
  const show = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  return [
    `seed ${run.seed}, round ${difference.round}: ${difference.what}`,
    `engine ${show(difference.engine)}`,
    `model  ${show(difference.model)}`,
  ].join('\n')
}

function stackOf(error: unknown): string {
  return error instanceof Error ? String(error.stack) : String(error)
}
