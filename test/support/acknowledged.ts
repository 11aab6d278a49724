// What an exchange has acknowledged of orders, held against its journal: each accepted exactly
// once, under the id that was said, no refused one accepted, money conserved, none owed.

import { assert } from '../../src/lib/assert.ts'
import type { Report } from '../../src/protocol/report-json.ts'
import { Witness } from './witness.ts'

/** What an answer said: the order's id, or the code of a refusal that is final. */
type Said = { readonly orderId: string } | { readonly code: string }

export interface AuditTally {
  /** Orders that are known to their senders to be accepted. */
  readonly accepted: number
  /** Orders whose final refusal is known. */
  readonly refused: number
  /** Orders in the journal of which nobody was told: they may have taken effect. */
  readonly untold: number
  /** Reports of the journal. */
  readonly reports: number
}

export class Acknowledged {
  private readonly said = new Map<string, Said>()

  /** Notes an answer; the same order answered twice must be answered alike. */
  note(account: string, clOrdId: string, answer: { orderId?: string; code?: string }): void {
    const { orderId, code = '' } = answer
    const said = orderId === undefined ? { code } : { orderId }
    const key = keyOf(account, clOrdId)
    const before = this.said.get(key)
    const isSame = before === undefined || JSON.stringify(before) === JSON.stringify(said)
    assert(isSame, `${key} was answered ${JSON.stringify(before)}, then ${JSON.stringify(said)}`)
    this.said.set(key, said)
  }

  get size(): number {
    return this.said.size
  }

  /** Replays the journal and compares; throws where something is lost, doubled or invented. */
  async audit(databaseUrl: string): Promise<AuditTally> {
    const journal = new Map<string, string>()
    const witness = await Witness.open(databaseUrl)
    try {
      witness.onReport = (report) => take(journal, report)
      await witness.advance()
      checkMoney(witness)
      return { ...this.compare(journal), reports: witness.history.length }
    } finally {
      await witness.close()
    }
  }

  private compare(journal: ReadonlyMap<string, string>): Omit<AuditTally, 'reports'> {
    let [accepted, refused] = [0, 0]
    for (const [key, said] of this.said) {
      const orderId = journal.get(key)
      if ('orderId' in said) {
        assert(orderId !== undefined, `${key} was acknowledged and is not in the journal`)
        const ids = `${said.orderId} was said, the journal has ${orderId}`
        assert(orderId === said.orderId, `${key}: ${ids}`)
        accepted += 1
      } else {
        assert(orderId === undefined, `${key} was refused (${said.code}), the journal has it`)
        refused += 1
      }
    }
    return { accepted, refused, untold: journal.size - accepted }
  }
}

const keyOf = (account: string, clOrdId: string): string => `${account} ${clOrdId}`

/** Of all reports, those that say that an order is in. */
function take(journal: Map<string, string>, report: Report): void {
  const { execType, duplicate, account = '', clOrdId, orderId = '' } = report
  if (execType !== 'new' || duplicate || clOrdId === undefined) return
  const key = keyOf(account, clOrdId)
  assert(!journal.has(key), `${key} is in the journal twice`)
  journal.set(key, orderId)
}

/** Nothing is owed, and all of an asset sums to nothing: what is outside is an account too. */
function checkMoney(witness: Witness): void {
  const sums = new Map<string, bigint>()
  for (const { account, asset, decimals, of } of witness.balances()) {
    const [available, held] = [of.available, of.held].map((text) => unitsOf(text, decimals))
    const isHouse = account.startsWith('$')
    assert(isHouse || available >= 0n, `${account} has ${of.available} ${asset}`)
    assert(held >= 0n, `${account} holds ${of.held} ${asset}`)
    sums.set(asset, (sums.get(asset) ?? 0n) + available + held)
  }
  for (const [asset, sum] of sums) assert(sum === 0n, `all ${asset} sum to ${sum} units`)
}

/** The asset's smallest units in a decimal. */
function unitsOf(text: string, decimals: number): bigint {
  const [whole, fraction = ''] = text.split('.')
  return BigInt(`${whole}${fraction.padEnd(decimals, '0')}`)
}
