// Under attack over NATS: its gateway has no limit of its own, the engine's `maxOrdersPerSecond`
// refuses. So each order of the attacker's is journaled and answered: that must be cheap enough.

import { connect } from '@nats-io/transport-node'
import { Packr } from 'msgpackr/index-no-eval'
import type { Report } from '../../bench/report.ts'
import { connectionOf } from '../../src/gateway/nats-address.ts'
import { assert } from '../../src/lib/assert.ts'
import { Acknowledged } from '../../test/support/acknowledged.ts'
import { orderOf } from '../../test/support/http-traders.ts'
import { Crowd } from '../nats/crowd.ts'
import { type Attacked, type AttackOptions, underAttack } from './attack-phases.ts'
import { ATTACKER, OTHERS, openMarket, symbolOf } from './market.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true })
const TICK_MS = 2

/** Measures; throws where an order of the others is not answered as it must be. */
export async function attackOverNats(options: AttackOptions): Promise<Report> {
  const target = await openMarket([])
  const others = await Crowd.open(target.natsUrl, 4)
  const attacker = await Attacker.open(target.natsUrl)
  const acknowledged = new Acknowledged()
  try {
    const limits = { cmd: 'limits', account: ATTACKER, maxOrdersPerSecond: options.accountRate }
    const limited = await others.ask(0, 'onefill.v1.admin.limits', limits)
    assert(limited.execType === 'accepted', `the limit: ${JSON.stringify(limited)}`)
    const clock = target.cpuClock()
    const report = await underAttack(
      'load:trouble attack-nats',
      {
        attack: (rate) => attacker.begin(rate),
        rest: () => attacker.end(),
        async order(number, answered) {
          const account = `trader-${(number % OTHERS) * 2}`
          const [symbol, clOrdId] = [symbolOf(account), `a-${process.pid}-${number}`]
          const ask = (verb: string, body: object) =>
            others.ask(number % others.size, `onefill.v1.order.${account}.${verb}`, body)
          const reply = await ask('new', orderOf(clOrdId, symbol))
          answered()
          assert(reply.execType === 'new', `an order of the others: ${JSON.stringify(reply)}`)
          acknowledged.note(account, clOrdId, reply)
          const gone = await ask('cancel', { symbol, origClOrdId: clOrdId })
          assert(gone.execType === 'canceled', `a cancel of the others: ${JSON.stringify(gone)}`)
        },
        cpu: () => ({ ...clock.read(), 'attacker and others': ownMicros() }),
      },
      options,
    )
    const { accepted } = await acknowledged.audit(target.databaseUrl)
    assert(accepted === acknowledged.size, 'all orders of the others are in the journal')
    return { ...report, notes: [...report.notes, `${accepted} orders of the others, audited`] }
  } finally {
    await attacker.close()
    await others.close()
    await target.close()
  }
}

function ownMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Sends and listens; replies are counted by what they say. */
class Attacker {
  private readonly connection: Awaited<ReturnType<typeof connect>>
  private readonly inbox = `_INBOX.attacker.${process.pid}`
  private replies: Record<string, number> = {}
  private timer: NodeJS.Timeout | undefined
  private number = 0
  private due = 0

  private constructor(connection: Awaited<ReturnType<typeof connect>>) {
    this.connection = connection
    connection.subscribe(this.inbox, {
      callback: (_, { data }) => {
        const { code = 'accepted' } = packr.unpack(data) as { code?: string }
        this.replies[code] = (this.replies[code] ?? 0) + 1
      },
    })
  }

  static async open(url: string): Promise<Attacker> {
    return new Attacker(await connect(connectionOf(url)))
  }

  begin(rate: number): void {
    const startMs = performance.now()
    ;[this.due, this.replies] = [0, {}]
    this.timer = setInterval(() => {
      const until = Math.floor(((performance.now() - startMs) * rate) / 1_000)
      for (; this.due < until; this.due += 1) this.send()
    }, TICK_MS)
  }

  async end(): Promise<Attacked> {
    clearInterval(this.timer)
    const said = Object.entries(this.replies).map(([code, count]) => `${code} ${count}`)
    const inWords = `${this.due} due, answered ${said.join(', ')}`
    return { refused: this.replies.ORDER_RATE ?? 0, inWords }
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.connection.close()
  }

  private send(): void {
    this.number += 1
    const order = orderOf(`x-${process.pid}-${this.number}`, symbolOf(ATTACKER))
    this.connection.publish(`onefill.v1.order.${ATTACKER}.new`, packr.pack(order), {
      reply: this.inbox,
    })
  }
}
