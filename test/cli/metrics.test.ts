// /metrics of a running exchange: what it counts is what happened, and it says so before it leads.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Metrics, type MetricsSources } from '../../src/cli/metrics.ts'
import { Code } from '../../src/protocol/codes.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { ExecType, ReportLog } from '../../src/protocol/report-log.ts'
import { Reports } from '../../src/protocol/reports.ts'
import { StreamClient } from '../gateway/stream-support.ts'
import { ask, logLines, Surroundings } from '../support/surroundings.ts'
import { endTools, Served } from '../support/tool.ts'

let around: Surroundings
let url = ''
beforeAll(async () => {
  around = await Surroundings.start()
}, 600_000)
afterAll(() => around.stop(), 600_000)
beforeEach(async () => {
  url = await around.databases.create()
})
afterEach(async () => {
  endTools()
  await around.closeClients()
})

/** Each line's value by its name and labels; what is not of the form is a fault. */
function valuesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? []
      expect([line, Number.isFinite(Number(value))]).toEqual([line, true])
      return [name, Number(value)]
    }),
  )
}

async function read(http: string): Promise<Record<string, number>> {
  const response = await fetch(`${http}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return valuesOf(await response.text())
}

const buy = (clOrdId: string, more: object = {}) => ({
  ...{ clOrdId, symbol: 'XUSD', side: 'buy', ordType: 'limit', price: '1', orderQty: '1', ...more },
})

test('orders, rounds, marks, commits, connections', async () => {
  const args = ['--http-port', '0', '--http-auth', 'development', '--clock-every-ms', '0']
  const served = new Served(args, { url, env: { NATS_URL: around.nats.url } })
  const said = (event: string) => logLines(served.stderr).find((line) => line.event === event)
  await served.until(() => said('ready') !== undefined)
  const http = said('http')?.url as string
  expect(await read(http)).toMatchObject({
    ...{ onefill_leading: 1, onefill_ready: 1, onefill_nats_connected: 1, onefill_streams: 0 },
    ...{ onefill_rounds_total: 0, 'onefill_seq{mark="taken"}': 0 },
  })
  const client = await around.client()
  await ask(client, 'onefill.v1.admin.batch', [
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'asset', asset: 'X', decimals: 0 },
    { cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' },
    { cmd: 'account', account: 'alice' },
    { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '10', transferId: 'd-1' },
  ])
  await ask(client, 'onefill.v1.order.alice.new', buy('a-1'))
  await ask(client, 'onefill.v1.order.alice.new', buy('a-2', { price: '100' }))
  await ask(client, 'onefill.v1.order.alice.new', { ...buy('a-3'), side: 7 })
  const stream = await StreamClient.open(http, { as: said('development-token')?.token as string })
  const found = await read(http)
  expect(found).toMatchObject({
    'onefill_reports_total{type="accepted"}': 5,
    'onefill_reports_total{type="new"}': 1,
    'onefill_rejected_total{code="INSUFFICIENT_FUNDS"}': 1,
    'onefill_refusals_total{code="INSUFFICIENT_FUNDS"}': 1,
    'onefill_refusals_total{code="MALFORMED"}': 1,
    'onefill_seq{mark="taken"}': 7,
    'onefill_seq{mark="durable"}': 7,
    'onefill_seq{mark="published"}': 7,
    ...{ onefill_rounds_total: 3, onefill_streams: 1, onefill_streams_buffered_bytes: 0 },
    ...{ onefill_journal_commit_seconds_count: 3 },
  })
  expect(found.onefill_http_connections).toBeGreaterThanOrEqual(2)
  expect(found.onefill_journal_commit_seconds_sum).toBeGreaterThan(0)
  expect(found['onefill_memory_bytes{kind="rss"}']).toBeGreaterThan(2 ** 20)
  expect(found['onefill_event_loop_lag_seconds{quantile="1"}']).toBeLessThan(600)
  expect(found['onefill_cpu_seconds_total{mode="user"}']).toBeGreaterThan(0)
  // Counters count on, and nothing of an account or a symbol is in them.
  const text = await (await fetch(`${http}/metrics`)).text()
  expect(valuesOf(text)).toMatchObject({ 'onefill_reports_total{type="new"}': 1 })
  expect(text).not.toMatch(/alice|XUSD/)
  await stream.close()
})

test('what is not there yet is left out', async () => {
  const sources: MetricsSources = {
    ...{ version: '1.2.3', progress: () => undefined, isReady: () => false },
    ...{ isLeading: () => false, isNatsThere: () => undefined, streams: () => undefined },
    ...{ httpConnections: async () => 3, refusals: () => new Map([['MALFORMED', 2]]) },
  }
  const metrics = new Metrics(sources)
  metrics.onCommitted(3)
  const log = new ReportLog()
  log.i32[log.appendZeroed()] = ExecType.new
  log.i32[log.appendZeroed()] = ExecType.rejected | (Code.HALTED << 8)
  metrics.takeReports(new Reports(log, new Directory()))
  const found = valuesOf((await metrics.page()).text)
  expect(found).toMatchObject({
    ...{ onefill_leading: 0, onefill_ready: 0, onefill_http_connections: 3 },
    'onefill_refusals_total{code="MALFORMED"}': 2,
    'onefill_rejected_total{code="HALTED"}': 1,
    'onefill_reports_total{type="new"}': 1,
    'onefill_journal_commit_seconds_bucket{le="0.002"}': 0,
    'onefill_journal_commit_seconds_bucket{le="0.005"}': 1,
  })
  const missing = ['onefill_rounds_total', 'onefill_nats_connected', 'onefill_streams']
  expect(Object.keys(found).filter((name) => missing.includes(name))).toEqual([])
  metrics.stop()
})

test('pages that are asked for at once are each whole', async () => {
  const metrics = new Metrics({
    ...{ version: '1.2.3', progress: () => undefined, isReady: () => true },
    ...{ isLeading: () => true, isNatsThere: () => true, streams: () => undefined },
    ...{ httpConnections: async () => 3, refusals: () => new Map([['MALFORMED', 2]]) },
  })
  const log = new ReportLog()
  log.i32[log.appendZeroed()] = ExecType.new
  metrics.takeReports(new Reports(log, new Directory()))
  const pages = await Promise.all([metrics.page(), metrics.page(), metrics.page()])
  for (const { text } of pages) {
    expect(valuesOf(text)).toMatchObject({
      'onefill_reports_total{type="new"}': 1,
      'onefill_refusals_total{code="MALFORMED"}': 2,
      ...{ onefill_leading: 1, onefill_ready: 1, onefill_http_connections: 3 },
    })
  }
  metrics.stop()
})
