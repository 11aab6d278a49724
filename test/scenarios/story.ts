// Runs a scenario file: the commands of each story through an exchange of its own, what it answers
// beside what the file says it should.

import type { Exchange, Report } from '../../src/exchange.ts'
import { ASSET_DECIMALS_MAX } from '../../src/protocol/bounds.ts'
import { inline, type MakeCore, newExchange, restored } from '../support/placements.ts'
import { type Json, Language } from './language.ts'
import { tellBalances, tellBook, tellOrders, tellPostings, tellReport } from './telling.ts'

const OUTPUT = '    '

/** A line that is not empty, no comment and not output; what the file says it answers. */
interface Step {
  /** Number of the line in the file, from 1. */
  readonly line: number
  readonly text: string
  readonly expected: string[]
  /** Number of the line its output begins behind. */
  readonly outputBehind: number
  /** Sets the scene for all stories: only a refusal is told. */
  readonly isScene: boolean
}
export interface Story {
  readonly title: string
  readonly line: number
  readonly steps: Step[]
}
export interface Outcome {
  readonly step: Step
  readonly told: string[]
}

/** The stories of a file. Lines before the first `story:` line set the scene for each of them. */
export function readStories(text: string): Story[] {
  const scene: Step[] = []
  const stories: Story[] = []
  let steps = scene
  let round: Step | undefined
  const step = (line: number): Step => ({
    line,
    text: '',
    expected: [],
    outputBehind: line,
    isScene: steps === scene,
  })
  for (const [index, line] of text.split('\n').entries()) {
    const number = index + 1
    if (line.startsWith(OUTPUT)) {
      const last = steps.at(-1)
      if (last === undefined || round !== undefined)
        throw new Error(`line ${number}: output of what?`)
      last.expected.push(line.slice(OUTPUT.length))
    } else if (line.startsWith('story: ')) {
      steps = []
      stories.push({ title: line.slice('story: '.length), line: number, steps })
    } else if (line === 'round') {
      round = step(number)
    } else if (line === 'end' && round !== undefined) {
      steps.push({ ...round, outputBehind: number })
      round = undefined
    } else if (line.trim() !== '' && !line.startsWith('#')) {
      if (round !== undefined) round = { ...round, text: `${round.text}\n${line.trim()}`.trim() }
      else steps.push({ ...step(number), text: line })
    }
  }
  if (round !== undefined) throw new Error(`line ${round.line}: a round without an end`)
  if (stories.length === 0) {
    const told = scene.map((each) => ({ ...each, isScene: false }))
    return [{ title: 'the story', line: 1, steps: told }]
  }
  for (const { line, expected } of scene) {
    if (expected.length > 0) throw new Error(`line ${line}: the scene is not told`)
  }
  return stories.map((story) => ({ ...story, steps: [...scene, ...story.steps] }))
}

/**
 * Runs a story, on cores that `make` makes; what each step told. A fault names the step's line in
 * `file`.
 */
export function runStory(story: Story, file: string, make: MakeCore = inline): Outcome[] {
  const teller = new Teller(make)
  const outcomes = story.steps.map((step) => {
    try {
      const told = teller.step(step.text)
      return {
        step,
        told: step.isScene ? told.filter((line) => line.startsWith('rejected')) : told,
      }
    } catch (error) {
      ;(error as Error).message = `${file}:${step.line}: ${(error as Error).message}`
      throw error
    }
  })
  teller.end()
  return outcomes
}

/** Fails at the first line that differs, and points at it. */
export function compareStory(story: Story, file: string, make: MakeCore = inline): void {
  for (const { step, told } of runStory(story, file, make)) {
    for (let i = 0; i < Math.max(told.length, step.expected.length); i += 1) {
      if (told[i] === step.expected[i]) continue
      const at = `${file}:${step.outputBehind + 1 + i}`
      const error = new Error(
        `${at} (answer to line ${step.line})\n` +
          `  expected: ${step.expected[i] ?? 'nothing more'}\n` +
          `  told:     ${told[i] ?? 'nothing more'}`,
      )
      error.stack = `${error.message}\n    at ${at}:1`
      throw error
    }
  }
}

/** A file's questions alone. */
export function withoutAnswers(text: string): string {
  const lines = text.split('\n').filter((line) => !line.startsWith(OUTPUT))
  return lines.join('\n')
}

/** A file {@link withoutAnswers}, with those that were told. */
export function rewrite(text: string, outcomes: Outcome[]): string {
  const told = new Map(outcomes.map((outcome) => [outcome.step.outputBehind, outcome.told]))
  const lines: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    lines.push(line)
    for (const output of told.get(index + 1) ?? []) lines.push(OUTPUT + output)
  }
  return lines.join('\n')
}

/**
 * One story's exchange. Every round is checked: its state, its postings, and both against each
 * other.
 */
class Teller {
  private readonly make: MakeCore
  private exchange: Exchange
  private readonly language = new Language()
  private readonly symbols = new Set<string>()
  private readonly ledger: Ledger = new Map()
  private reports: Report[] = []

  constructor(make: MakeCore) {
    this.make = make
    this.exchange = newExchange(make, { postings: true })
  }

  step(text: string): string[] {
    const show = /^show (\S+)( (\S+))?$/.exec(text)
    if (show !== null) return this.show(show[1], show[3] ?? '')
    const remembers = /^exchange remembers (\d+) commands$/.exec(text)
    if (remembers !== null) {
      if (this.exchange.seq > 0) throw new Error('this comes before any command')
      const submissionsRemembered = Number(remembers[1])
      this.exchange = newExchange(this.make, { postings: true, submissionsRemembered })
      return []
    }
    const lines = text.split('\n')
    if (lines.length > 1) return this.round(lines.flatMap((line) => this.language.commands(line)))
    // What sets the scene needs no telling: one round for each of its commands.
    if (!Language.isSetup(text)) return this.round(this.language.commands(text))
    const told = this.language.commands(text).flatMap((command) => this.round([command]))
    return told.filter((line) => !line.startsWith('accepted'))
  }

  /** The state as bytes gives an exchange with the same state. */
  end(): void {
    const copy = restored(this.make, this.exchange.serialize(), { postings: true })
    copy.check()
    if (copy.stateHash() !== this.exchange.stateHash()) {
      throw new Error('the restored exchange has another state hash')
    }
  }

  private round(commands: Json[]): string[] {
    const answers = this.exchange.execute(commands)
    this.reports = answers.filter((answer) => 'execType' in answer)
    for (const report of this.reports) {
      if (report.cmd === 'instrument' && report.symbol) this.symbols.add(report.symbol)
      if (report.clOrdId && report.orderId) this.language.learn(report.clOrdId, report.orderId)
    }
    this.exchange.check()
    checkPostings(this.exchange, this.ledger)
    return this.reports.map((report) => tellReport(report, this.symbols.size > 1))
  }

  private show(what: string, of: string): string[] {
    switch (what) {
      case 'book':
        return tellBook(this.exchange.book(of))
      case 'orders':
        return tellOrders(this.exchange.orders(of), this.symbols.size > 1)
      case 'postings':
        return tellPostings(this.exchange.postings())
      case 'reports':
        return this.reports.map((report) => JSON.stringify(report))
      default:
        return [tellBalances(this.exchange.balances(what))]
    }
  }
}

/** Sums of the postings so far, in units of 10^-12, by account and asset. */
type Ledger = Map<string, bigint>

/** A transaction's lines sum to zero per asset; all lines of an account so far are what it has. */
function checkPostings(exchange: Exchange, ledger: Ledger): void {
  const sums: Ledger = new Map()
  const add = (to: Ledger, key: string, units: bigint) => to.set(key, (to.get(key) ?? 0n) + units)
  for (const { tx, account, asset, amount } of exchange.postings()) {
    add(sums, `${tx} ${asset}`, toUnits(amount))
    add(ledger, `${account} ${asset}`, toUnits(amount))
  }
  for (const [of, sum] of sums) if (sum !== 0n) throw new Error(`postings of ${of} sum to ${sum}`)
  for (const [of, sum] of ledger) {
    const [account, asset] = of.split(' ')
    const line = exchange.balances(account).balances.find((balance) => balance.asset === asset)
    const has = line === undefined ? 0n : toUnits(line.available) + toUnits(line.held)
    if (has !== sum) throw new Error(`${of} is ${has}, its postings sum to ${sum}`)
  }
}

function toUnits(amount: string): bigint {
  const [whole, fraction = ''] = amount.replace('-', '').split('.')
  const units = BigInt(whole + fraction.padEnd(ASSET_DECIMALS_MAX, '0'))
  return amount.startsWith('-') ? -units : units
}
