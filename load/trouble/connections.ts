// Others take every connection that Postgres has: an exchange that trades goes on with its own, one
// that loses them takes nothing in and loses nothing, one that starts says so in a line.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Report } from '../../bench/report.ts'
import { assert } from '../../src/lib/assert.ts'
import { ConnectionHog } from '../../test/support/connection-hog.ts'
import { HttpTraders } from '../../test/support/http-traders.ts'
import { paced } from '../pace.ts'
import type { HttpTarget } from '../target.ts'
import { becomes, OTHERS, openMarket, tradersOf } from './market.ts'

export interface ConnectionsOptions {
  /** Orders a second of all traders, each with its cancel. */
  readonly rate: number
  /** Of each of the four parts. */
  readonly seconds: number
}

/** The exchange's own connections are kept from it for so long: some wait longer than they may. */
const HOLD_MS = 7_000
const TOOL = join(import.meta.dirname, '../../bin/onefill.js')

/** Runs it; throws where it does not hold. */
export async function connectionsTaken({ rate, seconds }: ConnectionsOptions): Promise<Report> {
  const target = await openMarket([])
  const traders = new HttpTraders(target.httpUrl)
  const hog = new ConnectionHog(target.databaseUrl)
  try {
    const others = await tradersOf(target, OTHERS)
    let sent = 0
    const order = async () => {
      sent += 1
      const trader = others[sent % OTHERS]
      const clOrdId = `p-${process.pid}-${sent}`
      await traders.submit(trader, clOrdId)
      await traders.cancel(trader, clOrdId)
    }
    const outage = () => traders.countOf(503) + traders.countOf(0)
    const rows: string[][] = []
    const part = async (name: string, meanwhile: () => Promise<string>, lengthS = seconds) => {
      const [before, answered] = [outage(), traders.acknowledged.size]
      const [said] = await Promise.all([meanwhile(), paced(rate, lengthS, order)])
      const more = traders.acknowledged.size - answered
      rows.push([name, String(more), String(outage() - before), said])
    }
    await part('quiet', async () => '')
    await part('all others are taken', async () => {
      const took = await hog.takeAll()
      assert(took > 0, 'there was one to take')
      return `${took} taken; a start: ${await startSaid(target)}`
    })
    assert(outage() === 0, 'an exchange that has its connections goes on')
    const robbed = async () => {
      await hog.rob()
      await becomes(target, 'degraded', 'journal')
      const { size } = traders.acknowledged
      await delay(HOLD_MS)
      assert(traders.acknowledged.size === size, 'nothing is acknowledged without the journal')
      await hog.release()
      await becomes(target, 'ready')
      return 'until they were given back, nothing acknowledged'
    }
    await part('its own are taken too', robbed, seconds + HOLD_MS / 1_000)
    assert(outage() > 0, 'who waited too long for the journal was told so')
    await part('given back', async () => '')
    const audit = await traders.acknowledged.audit(target.databaseUrl)
    assert(audit.accepted === sent && audit.untold === 0, 'each order is in the journal, once')
    return {
      name: 'load:trouble connections',
      tables: [
        {
          title: 'Postgres and its connections',
          columns: ['part', 'acknowledged', '503 or no answer', ''],
          rows,
        },
      ],
      demands: [],
      notes: [`${sent} orders, sent again until answered; each in the journal once, as answered`],
    }
  } finally {
    await hog.release()
    traders.close()
    await target.close()
  }
}

/** What `onefill serve` says that finds no connection: one line, and exit code 1. */
async function startSaid(target: HttpTarget): Promise<string> {
  const args = ['serve', target.databaseUrl, '--nats', target.natsUrl, '--http-port', 'off']
  const child = spawn(process.execPath, [TOOL, ...args, '--log-format', 'json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = await once(child, 'close')
  const lines = said.split('\n').filter((line) => line.startsWith('{'))
  const fatal = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'fatal')
  assert(code === 1 && fatal.length === 1, `one line and exit code 1, not ${code}: ${said}`)
  return fatal[0].msg
}
