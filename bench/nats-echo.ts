// What NATS alone can carry between two Node processes: a service that decodes and encodes the same
// msgpack message, its publisher and the server, all on this machine. The gateway is measured
// against it.
//
//     node bench/nats-echo.ts [--seconds 5] [--connections 1] [--batch 1] [--nats URL]

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Packr } from 'msgpackr/index-no-eval'
import { startNats } from '../src/gateway/embedded-nats.ts'
import { assert } from '../src/lib/assert.ts'
import { histogramOf, PERCENTILE_COLUMNS, percentileRow } from './histogram.ts'

const SUBJECT = 'bench.echo'
/** Requests that wait for their echo, over all connections. */
const IN_FLIGHT = 2_048
/** Requests one at a time, for the round trip's time. */
const LONE = 5_000
const packr = new Packr({ useRecords: false, mapsAsObjects: true })

const ORDER = {
  ...{ cmd: 'new', account: 'alice', symbol: 'NVDA', side: 'buy', ordType: 'limit' },
  ...{ price: '167.52', orderQty: '100', timeInForce: 'GTC' },
}

/** The service: its own process, as an exchange would be. */
async function serve(url: string, connections: number): Promise<void> {
  for (let i = 0; i < connections; i += 1) {
    const client = await connect({ servers: url })
    client.subscribe(`${SUBJECT}.${i}`, {
      callback: (_, message) => void message.respond(packr.pack(packr.unpack(message.data))),
    })
    await client.flush()
  }
  process.send?.('ready')
  process.on('message', () => process.send?.(process.cpuUsage()))
}

interface Load {
  readonly client: NatsConnection
  readonly subject: string
  readonly inbox: string
  sent: number
  echoed: number
}

/** Keeps `IN_FLIGHT` commands on their way for `seconds`; commands per second, every one echoed. */
async function saturate(
  clients: NatsConnection[],
  { seconds, batch }: { seconds: number; batch: number },
): Promise<{ rate: number; count: number }> {
  const loads = clients.map((client, i): Load => {
    const [subject, inbox] = [`${SUBJECT}.${i}`, `bench.reply.${process.pid}.${i}`]
    const load = { client, subject, inbox, sent: 0, echoed: 0 }
    client.subscribe(load.inbox, {
      callback: (_, message) => {
        const echo = packr.unpack(message.data) as { clOrdId: string } | { clOrdId: string }[]
        const first = Array.isArray(echo) ? echo[0] : echo
        assert(first.clOrdId === `b-${load.echoed}`, 'echoes come whole and in order')
        load.echoed += 1
      },
    })
    return load
  })
  const windowPerClient = Math.max(2, Math.ceil(IN_FLIGHT / clients.length / batch))
  const start = performance.now()
  const until = start + seconds * 1_000
  while (performance.now() < until) {
    for (const load of loads) fill(load, windowPerClient, batch)
    await turn()
  }
  while (loads.some(({ sent, echoed }) => echoed < sent)) await turn()
  const elapsed = (performance.now() - start) / 1_000
  const count = loads.reduce((sum, { echoed }) => sum + echoed, 0) * batch
  return { rate: count / elapsed, count }
}

function fill(load: Load, window: number, batch: number): void {
  while (load.sent - load.echoed < window) {
    const order = { ...ORDER, clOrdId: `b-${load.sent}` }
    const message = batch === 1 ? order : Array.from({ length: batch }, () => order)
    load.client.publish(load.subject, packr.pack(message), { reply: load.inbox })
    load.sent += 1
  }
}

/** Nanoseconds of one request after another. */
async function lone(client: NatsConnection): Promise<Float64Array> {
  const nanos = new Float64Array(LONE)
  const bytes = packr.pack({ ...ORDER, clOrdId: 'lone' })
  for (let i = 0; i < LONE; i += 1) {
    const start = performance.now()
    await client.request(`${SUBJECT}.0`, bytes, { timeout: 5_000 })
    nanos[i] = (performance.now() - start) * 1e6
  }
  return nanos
}

async function cpuOf(service: ChildProcess): Promise<number> {
  const answer = once(service, 'message')
  service.send('cpu')
  const [{ user, system }] = await answer
  return user + system
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '1' },
      batch: { type: 'string', default: '1' },
      nats: { type: 'string' },
    },
  })
  const [seconds, connections, batch] = [values.seconds, values.connections, values.batch].map(
    Number,
  )
  const folder = mkdtempSync(join(tmpdir(), 'onefill-bench-'))
  const nats = values.nats === undefined ? await startNats({ folder }) : undefined
  const url = values.nats ?? nats?.url ?? ''
  const service = fork(import.meta.filename, [], {
    env: { ...process.env, ECHO_URL: url, ECHO_CONNECTIONS: String(connections) },
  })
  await once(service, 'message')
  const clients = await Promise.all(
    Array.from({ length: connections }, () => connect({ servers: url })),
  )
  await saturate(clients, { seconds: 1, batch })
  for (const client of clients) await client.close()
  const fresh = await Promise.all(
    Array.from({ length: connections }, () => connect({ servers: url })),
  )
  const [ownBefore, serviceBefore] = [process.cpuUsage(), await cpuOf(service)]
  const { rate, count } = await saturate(fresh, { seconds, batch })
  const own = process.cpuUsage(ownBefore)
  const serviceMicros = (await cpuOf(service)) - serviceBefore
  const perCommand = (micros: number) => `${((micros * 1_000) / count).toFixed(0)} ns`
  console.log(`connections ${connections}, batch ${batch}, server ${fresh[0].info?.version}`)
  console.log(`commands echoed a second: ${Math.round(rate)}`)
  console.log(
    `processor time a command: publisher ${perCommand(own.user + own.system)}, ` +
      `service ${perCommand(serviceMicros)}`,
  )
  const nanos = await lone(fresh[0])
  console.log(PERCENTILE_COLUMNS.join('  '))
  console.log(percentileRow('one request', histogramOf(nanos, 0, LONE)).join('  '))
  for (const client of fresh) await client.close()
  service.kill()
  await once(service, 'exit')
  await nats?.stop()
  rmSync(folder, { recursive: true, force: true })
}

const { ECHO_URL, ECHO_CONNECTIONS } = process.env
if (ECHO_URL === undefined) await main()
else await serve(ECHO_URL, Number(ECHO_CONNECTIONS))
