// All roles of an exchange, wired up: the sequencer here, the shards wherever `advance` runs them.
//
// What the exchange asks of whoever runs its rounds (core.ts), said in rings and letters. It does
// not know whether threads or a simulation are behind it.

import { FEES } from '../engine/account/account-store.ts'
import type { Amounts, BookAnswer, Holdings, OrdersPage } from '../engine/answers.ts'
import { Engine, type FinishedRound } from '../engine/engine.ts'
import { EngineLoader, readMarketState, type StateLoader } from '../engine/restore.ts'
import { assert } from '../lib/assert.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import { type Page, WHOLE } from '../protocol/decode.ts'
import type { Instrument } from '../protocol/instrument.ts'
import type { Usage } from './control.ts'
import type { Core } from './core.ts'
import type { Letter, Mail, Reply, Section, Sections } from './letters.ts'
import { Mark } from './marks.ts'
import type { Outlet } from './outlet.ts'
import { homeOf } from './placement.ts'
import type { Sequencer } from './sequencer.ts'

/** A shard as the crew's exchange sees it. */
export interface Mate {
  readonly mail: Mail
  readonly commands: Outlet
}

export interface CrewParts {
  readonly sequencer: Sequencer
  readonly accounts: readonly Mate[]
  readonly symbols: readonly Mate[]
  /**
   * Lets the roles run until `isDone`, looking after the sequencer too. Throws a Fault if one
   * broke an invariant, or does not answer.
   */
  advance(isDone: () => boolean): void
  /** By worker; none where no threads are behind it. */
  usage(): Usage[]
  /**
   * Throws the Fault if something broke, whoever noticed; cheap. `isOwed`: the workers owe an
   * answer, so one that is silent for too long is broken too.
   */
  check(isOwed?: boolean): void
  /** As `advance`, but gives up without a word after a time, or if something broke. */
  drain(isDone: () => boolean): void
  /** Ends what runs the shards, which have been told to stop. */
  end(): Promise<void>
}

/** Rounds under way at most; one more waits for the oldest to be taken. */
export const ROUNDS_UNDER_WAY_MAX = 8

/** A {@link Core} on shards that run elsewhere. Throws what broke there. */
export class Crew implements Core {
  private readonly parts: CrewParts
  private closing: Promise<void> | undefined

  constructor(parts: CrewParts) {
    this.parts = parts
  }

  get seq(): number {
    return this.parts.sequencer.seq
  }

  get canStart(): boolean {
    return this.parts.sequencer.underWay < ROUNDS_UNDER_WAY_MAX
  }

  start(commands: CommandLog): void {
    this.parts.check()
    assert(this.canStart, `at most ${ROUNDS_UNDER_WAY_MAX} rounds are under way`)
    this.parts.sequencer.send(commands)
  }

  work(): void {
    const { sequencer, check } = this.parts
    sequencer.step()
    check(sequencer.underWay > 0 && !sequencer.isFinished)
  }

  take(isPatient: boolean): FinishedRound | undefined {
    const { parts } = this
    const { sequencer } = parts
    sequencer.step()
    if (isPatient && sequencer.underWay > 0) parts.advance(() => sequencer.isFinished)
    // Once something broke nothing is released, be it complete or not.
    parts.check(sequencer.underWay > 0 && !sequencer.isFinished)
    return sequencer.isFinished ? sequencer.take() : undefined
  }

  holdings(account: number, page: Page = WHOLE): Holdings {
    if (account === FEES) this.gatherFees()
    return this.ask(this.homeOf(account), { what: 'holdings', account, page }) as Holdings
  }

  openOrders(account: number, page: Page = WHOLE): OrdersPage {
    return this.ask(this.homeOf(account), { what: 'openOrders', account, page }) as OrdersPage
  }

  execSeqs(): Float64Array {
    const all = this.parts.accounts.map(
      (mate) => this.ask(mate, { what: 'execSeqs' }) as Float64Array,
    )
    // An account has its number where it lives, and 0 elsewhere.
    const found = new Float64Array(Math.max(...all.map(({ length }) => length)))
    for (const each of all) {
      for (const [account, execSeq] of each.entries()) found[account] ||= execSeq
    }
    return found
  }

  levels(symbol: number, instrument: Instrument, depth: number): Pick<BookAnswer, 'bids' | 'asks'> {
    const { symbols } = this.parts
    const mate = symbols[homeOf(symbol, symbols.length)]
    const letter: Letter = { what: 'levels', symbol, instrument, depth }
    return this.ask(mate, letter) as Pick<BookAnswer, 'bids' | 'asks'>
  }

  *sections(): Generator<Uint8Array> {
    this.gatherFees()
    const { sequencer, accounts, symbols } = this.parts
    const { seq } = sequencer
    const ofAccounts = accounts.map(
      (mate) => this.ask(mate, { what: 'sections', seq, symbols: [] }) as Sections,
    )
    const market = ofAccounts[0].market as Uint8Array
    const state = readMarketState(market)
    const residents = symbols.map((): number[] => [])
    for (let symbol = 1; symbol <= state.instruments.length; symbol += 1) {
      residents[homeOf(symbol, symbols.length)].push(symbol)
    }
    const ofSymbols = symbols.map(
      (mate, shard) =>
        this.ask(mate, { what: 'sections', seq, symbols: residents[shard] }) as Sections,
    )
    yield market
    yield* inOrder(state.accounts, ofAccounts)
    yield* inOrder(state.instruments.length, ofSymbols)
  }

  /** Checks the state as it would be restored. */
  check(): void {
    const sections = this.sections()
    const state = readMarketState(sections.next().value as Uint8Array)
    const { submissionsRemembered } = state
    const engine = new Engine({ submissionsRemembered })
    const loader = new EngineLoader(engine, state)
    for (const section of sections) loader.add(section)
    loader.end()
    engine.check()
  }

  load(market: Uint8Array): StateLoader {
    const { accounts, symbols, sequencer } = this.parts
    const state = readMarketState(market)
    const ofAccounts = accounts.map((): Section[] => [])
    const ofSymbols = symbols.map((): Section[] => [])
    let added = 0
    const add = (section: Uint8Array) => {
      added += 1
      const isAccount = added <= state.accounts
      const handle = isAccount ? added : added - state.accounts
      const homes = isAccount ? ofAccounts : ofSymbols
      homes[homeOf(handle, homes.length)].push([handle, section.slice()])
    }
    const end = () => {
      const sections = state.accounts + state.instruments.length
      assert(added === sections, `a state has ${sections} sections behind the market's`)
      sequencer.restore(state.seq)
      const letter = (of: Section[]): Letter => ({ what: 'load', market, sections: of })
      for (const [shard, mate] of symbols.entries()) send(mate, letter(ofSymbols[shard]))
      for (const [shard, mate] of accounts.entries()) send(mate, letter(ofAccounts[shard]))
      for (const mate of [...accounts, ...symbols]) this.reply(mate)
    }
    return { add, end }
  }

  /** Lets the rounds under way end, whose reports are lost to who did not take them. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  private async end(): Promise<void> {
    const { sequencer, accounts, symbols, drain, end } = this.parts
    try {
      drain(() => {
        while (sequencer.isFinished) sequencer.take()
        return sequencer.underWay === 0
      })
      for (const mate of [...accounts, ...symbols]) send(mate, { what: 'stop' })
    } finally {
      await end()
    }
  }

  /** What each worker has used so far. */
  usage(): Usage[] {
    // A worker notes it down before it answers.
    for (const mate of [...this.parts.accounts, ...this.parts.symbols]) {
      this.ask(mate, { what: 'usage' })
    }
    return this.parts.usage()
  }

  private homeOf(account: number): Mate {
    const { accounts } = this.parts
    return accounts[homeOf(account, accounts.length)]
  }

  /** Brings `$fees` up to date at its home: each shard keeps what its accounts paid. */
  private gatherFees(): void {
    const home = this.homeOf(FEES)
    const fees = this.parts.accounts
      .filter((mate) => mate !== home)
      .flatMap((mate) => this.ask(mate, { what: 'takeFees' }) as Amounts[])
    if (fees.length > 0) this.ask(home, { what: 'giveFees', fees })
  }

  private ask(mate: Mate, letter: Letter): Reply['reply'] {
    this.parts.check()
    assert(this.parts.sequencer.underWay === 0, 'questions are asked between rounds')
    send(mate, letter)
    return this.reply(mate)
  }

  private reply(mate: Mate): Reply['reply'] {
    let reply: Reply | undefined
    this.parts.advance(() => {
      reply ??= mate.mail.take() as Reply | undefined
      return reply !== undefined
    })
    return (reply as Reply | undefined)?.reply ?? null
  }
}

/** The letter is there before the mark that tells of it. */
function send({ mail, commands }: Mate, letter: Letter): void {
  mail.post(letter)
  commands.putMark(Mark.letter, 0, 0, 0)
  commands.flush()
}

/** The shards' sections by handle. */
function* inOrder(count: number, shards: readonly Sections[]): Generator<Uint8Array> {
  const next = shards.map(() => 0)
  for (let handle = 1; handle <= count; handle += 1) {
    const shard = homeOf(handle, shards.length)
    const [of, bytes] = shards[shard].sections[next[shard]]
    assert(of === handle, 'a shard writes the sections of all who live there')
    next[shard] += 1
    yield bytes
  }
}
