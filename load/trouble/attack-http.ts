// Under attack over HTTP: one account sends a hundred times what it may, the others go on as
// before.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { CpuClock } from '../../bench/process-time.ts'
import type { Report } from '../../bench/report.ts'
import { assert } from '../../src/lib/assert.ts'
import { HttpTraders, orderOf } from '../../test/support/http-traders.ts'
import type { HttpTarget } from '../target.ts'
import { type AttackOptions, underAttack } from './attack-phases.ts'
import { NUMBER, type Order, type Tally } from './attacker-words.ts'
import { ATTACKER, assertAnswers, OTHERS, openMarket, tradersOf } from './market.ts'

/** Measures; throws where an order of the others is not answered as it must be. */
export async function attackOverHttp(
  options: AttackOptions & { readonly connections: number },
): Promise<Report> {
  const target = await openMarket(['--http-account-rate', String(options.accountRate)])
  const traders = new HttpTraders(target.httpUrl)
  const attacker = fork(join(import.meta.dirname, 'attacker.ts'), { stdio: 'inherit' })
  const tell = (order: Order) => attacker.send(order)
  const gone = once(attacker, 'exit').then(([code, signal]): never => {
    throw new Error(`the attacker has ended: ${signal ?? code}`)
  })
  // Looked at where it is waited for.
  gone.catch(() => {})
  // What cannot be told to it any more: the same.
  attacker.on('error', () => {})
  try {
    const others = await tradersOf(target, OTHERS)
    tell({ do: 'aim', ...(await aimAt(target)), size: options.connections })
    const clock = target.cpuClock()
    const own = new CpuClock({ attacker: [attacker.pid as number], 'the others': [process.pid] })
    let sent = 0
    const report = await underAttack(
      'load:trouble attack',
      {
        attack: (rate) => tell({ do: 'attack', rate }),
        async rest() {
          tell({ do: 'rest' })
          const [tally] = (await Promise.race([once(attacker, 'message'), gone])) as [Tally]
          return { refused: tally.statuses[429] ?? 0, inWords: inWords(tally) }
        },
        async order(number, answered) {
          const trader = others[number % others.length]
          const clOrdId = `a-${process.pid}-${number}`
          sent = number
          const { status, text } = await traders.submit(trader, clOrdId)
          answered()
          assert(status === 201, `an order of the others: ${status} ${text}`)
          await traders.cancel(trader, clOrdId)
        },
        cpu: () => ({ ...clock.read(), ...own.read() }),
      },
      options,
    )
    assertAnswers('the others', traders, { 201: sent, 200: sent })
    const { accepted } = await traders.acknowledged.audit(target.databaseUrl)
    return { ...report, notes: [...report.notes, `${accepted} orders of the others, audited`] }
  } finally {
    if (attacker.connected) attacker.disconnect()
    traders.close()
    await target.close()
  }
}

/** Where to, and an order of the attacker's, as bytes on the wire. */
async function aimAt(target: HttpTarget): Promise<{ port: number; request: string }> {
  const [{ token, symbol }] = await tradersOf(target, 1, ATTACKER)
  const body = JSON.stringify(orderOf(`x-${process.pid}-${NUMBER}`, symbol))
  const { host, port } = new URL(target.httpUrl)
  const lines = [
    ...['POST /v1/orders HTTP/1.1', `host: ${host}`, `authorization: Bearer ${token}`],
    ...['content-type: application/json', `content-length: ${body.length}`, '', body],
  ]
  return { port: Number(port), request: lines.join('\r\n') }
}

function inWords({ due, heldBack, statuses, cutOff }: Tally): string {
  const said = Object.entries(statuses).map(([status, count]) => `${status} ${count}`)
  return (
    `${due} due, answered ${said.join(', ')}; ${heldBack} found no free connection; ` +
    `${cutOff} connections cut off`
  )
}
