// What a running exchange counts, as Prometheus reads it. Where orders pass, a number is added to;
// all else is looked at when somebody asks.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Progress } from '../durable.ts'
import type { MetricsPage } from '../gateway/http/metrics.ts'
import { CODE_NAMES } from '../protocol/codes.ts'
import type { Reports } from '../protocol/reports.ts'

/** What is looked at; undefined: it is not there, or not yet. */
export interface MetricsSources {
  readonly version: string
  readonly progress: () => Progress | undefined
  readonly isReady: () => boolean
  readonly isLeading: () => boolean
  readonly isNatsThere: () => boolean | undefined
  readonly streams: () => { readonly open: number; readonly bufferedBytes: number } | undefined
  /** Connections over HTTP, streams among them. */
  readonly httpConnections: () => Promise<number>
  /** By code: what was refused, as the log counts it. */
  readonly refusals: () => ReadonlyMap<string, number>
}

/** From a commit on memory to one that waits for a disk that is busy, in seconds. */
const COMMIT_S = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
/** How often the event loop's delay is looked at, in ms. */
const LAG_EVERY_MS = 10

type Labels = Readonly<Record<string, string | number>>

export class Metrics {
  private readonly registry = new Registry()
  private readonly sources: MetricsSources
  /** By type, and for what was refused: by code. */
  private readonly reports = new Map<string, number>()
  private readonly rejected = new Map<string, number>()
  private readonly commits: Histogram
  private readonly lag = monitorEventLoopDelay({ resolution: LAG_EVERY_MS })

  constructor(sources: MetricsSources) {
    this.sources = sources
    this.commits = new Histogram({
      ...{ name: 'onefill_journal_commit_seconds', buckets: COMMIT_S },
      help: 'From sending a row of the journal to its commit.',
      registers: [this.registry],
    })
    this.addOrders()
    this.addProgress()
    this.addConnections()
    this.addProcess()
    this.lag.enable()
  }

  /** Counts reports; bound to be given as it is. */
  readonly takeReports = (reports: Reports): void => {
    for (let number = 0; number < reports.length; number += 1) {
      const refusal = reports.refusalAt(number)
      if (refusal !== 0) add(this.rejected, CODE_NAMES[refusal])
      else add(this.reports, reports.execTypeAt(number))
    }
  }

  /** A row was committed; bound. */
  readonly onCommitted = (ms: number): void => this.commits.observe(ms / 1_000)

  /** All numbers as they are now; bound. */
  readonly page = async (): Promise<MetricsPage> => ({
    type: this.registry.contentType,
    text: await this.registry.metrics(),
  })

  stop(): void {
    this.lag.disable()
  }

  private addOrders(): void {
    const { refusals } = this.sources
    this.counter('onefill_reports_total', 'Reports by type, the first of an order among them.', {
      labelNames: ['type'],
      values: () => [...this.reports].map(([type, value]) => [{ type }, value]),
    })
    this.counter('onefill_rejected_total', 'Commands that the exchange has refused, by code.', {
      labelNames: ['code'],
      values: () => [...this.rejected].map(([code, value]) => [{ code }, value]),
    })
    this.counter('onefill_refusals_total', 'What gateways have refused, by code, as logged.', {
      labelNames: ['code'],
      values: () => [...refusals()].map(([code, value]) => [{ code }, value]),
    })
  }

  private addProgress(): void {
    const { progress } = this.sources
    this.counter('onefill_rounds_total', 'Rounds since it leads.', {
      values: () => [[{}, progress()?.rounds]],
    })
    this.gauge('onefill_seq', 'The last command in a round, committed, and published.', {
      labelNames: ['mark'],
      values: () => {
        const { taken, durable, published } = progress() ?? {}
        return [
          [{ mark: 'taken' }, taken],
          [{ mark: 'durable' }, durable],
          [{ mark: 'published' }, published],
        ]
      },
    })
  }

  private addConnections(): void {
    const { isNatsThere, streams, httpConnections, isReady, isLeading } = this.sources
    const flag = (is: boolean | undefined) => (is === undefined ? undefined : Number(is))
    this.gauge('onefill_leading', 'Whether this process leads.', {
      values: () => [[{}, flag(isLeading())]],
    })
    this.gauge('onefill_ready', 'Whether it serves, as /readyz says.', {
      values: () => [[{}, flag(isReady())]],
    })
    this.gauge('onefill_nats_connected', 'Whether NATS is there.', {
      values: () => [[{}, flag(isNatsThere())]],
    })
    this.gauge('onefill_streams', 'Streams over WebSockets that are open.', {
      values: () => [[{}, streams()?.open]],
    })
    this.gauge('onefill_streams_buffered_bytes', 'What streams have not taken yet.', {
      values: () => [[{}, streams()?.bufferedBytes]],
    })
    this.gauge('onefill_http_connections', 'Connections over HTTP, streams among them.', {
      values: async () => [[{}, await httpConnections()]],
    })
  }

  private addProcess(): void {
    const { lag } = this
    this.gauge('onefill_info', 'Which program it is.', {
      labelNames: ['version', 'node'],
      values: () => [[{ version: this.sources.version, node: process.versions.node }, 1]],
    })
    this.gauge('onefill_uptime_seconds', 'Since the process began.', {
      values: () => [[{}, performance.now() / 1_000]],
    })
    this.counter('onefill_cpu_seconds_total', 'Processor time, of all threads.', {
      labelNames: ['mode'],
      values: () => {
        const { user, system } = process.cpuUsage()
        return [
          [{ mode: 'user' }, user / 1e6],
          [{ mode: 'system' }, system / 1e6],
        ]
      },
    })
    this.gauge('onefill_memory_bytes', 'Memory, by kind.', {
      labelNames: ['kind'],
      values: () => Object.entries(process.memoryUsage()).map(([kind, v]) => [{ kind }, v]),
    })
    this.gauge('onefill_event_loop_lag_seconds', 'Since it was asked last.', {
      labelNames: ['quantile'],
      values: () => {
        const found: [Labels, number][] = [0.5, 0.99, 1].map((quantile) => [
          { quantile },
          // It counts from one look to the next, so that what is late is what is beyond.
          Math.max(0, lag.percentile(quantile * 100) / 1e9 - LAG_EVERY_MS / 1_000),
        ])
        lag.reset()
        return found
      },
    })
  }

  private gauge(name: string, help: string, { labelNames = [], values }: Series): void {
    const { registry } = this
    new Gauge({
      ...{ name, help, labelNames, registers: [registry] },
      async collect() {
        await renew(this, labelNames, values, (labels, value) => this.set(labels, value))
      },
    })
  }

  private counter(name: string, help: string, { labelNames = [], values }: Series): void {
    const { registry } = this
    new Counter({
      ...{ name, help, labelNames, registers: [registry] },
      async collect() {
        // It counts elsewhere; here is what it has come to.
        await renew(this, labelNames, values, (labels, value) => this.inc(labels, value))
      },
    })
  }
}

type Values = readonly (readonly [Labels, number | undefined])[]

interface Series {
  readonly labelNames?: string[]
  /** What it is when somebody asks. */
  readonly values: () => Values | Promise<Values>
}

/** Says what is so now, and nothing of before. */
async function renew(
  metric: { reset(): void; remove(): void },
  labelNames: readonly string[],
  values: Series['values'],
  say: (labels: Labels, value: number) => void,
): Promise<void> {
  const found = await values()
  // Nothing waits from here on: of pages that are asked for at once each is whole, and none adds
  // to what another has said.
  metric.reset()
  // Without labels it would say 0.
  if (labelNames.length === 0) metric.remove()
  for (const [labels, value] of found) if (value !== undefined) say(labels, value)
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
