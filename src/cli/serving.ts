// A running exchange from start to end: recovery, who leads, its gateways, a stop in order.

import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Settings } from '../config.ts'
import { DurableExchange, type DurableOptions, readLeader, Standby } from '../durable.ts'
import { fanOut } from '../gateway/fan-out.ts'
import type { ReportHistory } from '../gateway/history.ts'
import { HttpGateway } from '../gateway/http/gateway.ts'
import { HttpServer } from '../gateway/http/server.ts'
import { NatsGateway } from '../gateway/nats-gateway.ts'
import type { ServingExchange } from '../gateway/serving-exchanges.ts'
import type { Access } from './access.ts'
import type { HealthBoard } from './health.ts'
import type { Log } from './log.ts'
import { Metrics } from './metrics.ts'
import { EXIT, Inability, outcomeOf } from './outcome.ts'
import { giveUpAfter } from './patience.ts'
import { Progress } from './progress.ts'
import { RefusalCounter } from './refusals.ts'
import { onStopSignal } from './signals.ts'
import { StdioGateway } from './stdio.ts'
import { Teller } from './teller.ts'

export interface ServeOptions {
  readonly settings: Settings
  readonly databaseUrl: string
  /** Undefined: without NATS. */
  readonly natsUrl: string | undefined
  readonly log: Log
  readonly board: HealthBoard
  /** Who may ask over HTTP, and how much; undefined: nobody anything but for health. */
  readonly access?: Pick<Access, 'authenticate' | 'throttles' | 'securitySchemes'> | undefined
  /** It leads and takes commands; what is returned is ended before it stops taking. */
  readonly onServing?: (at: { natsUrl: string; httpUrl: string | undefined }) => Promise<Guest>
}

/** Something that lives beside the exchange while it leads. */
export interface Guest {
  stop(): Promise<void>
}

/** How often it is looked who leads, in ms. */
const LOOK_MS = 100
/** Who has lost the lease serves no longer, in ms. */
const LAST_WORDS_MS = 2_000
/** A stop waits so long for NATS, and for Postgres, each time one of them is away, in ms. */
const PATIENCE_MS = 10_000

/** Runs until a signal, the end of input, or what ends it; returns the exit code. */
export async function run(options: ServeOptions): Promise<number> {
  const { log, board } = options
  const process = new Serving(options)
  try {
    await process.start()
    await process.end.promise
    await process.stop()
    return EXIT.done
  } catch (error) {
    const { code, message } = outcomeOf(error, { isTrading: board.phase !== 'recovering' })
    board.phase = 'broken'
    log.fatal({ event: 'end', exit: code }, message)
    await process.abandon()
    return code
  }
}

class Serving {
  readonly end = Promise.withResolvers<void>()
  private readonly options: ServeOptions
  private readonly refusals: RefusalCounter
  private readonly teller: Teller
  private readonly metrics: Metrics
  private http: HttpServer | undefined
  private httpGateway: HttpGateway | undefined
  private gateway: NatsGateway | undefined
  private stdio: StdioGateway | undefined
  private standby: Standby | undefined
  private exchange: DurableExchange | undefined
  private guest: Promise<Guest> | undefined
  private watch: NodeJS.Timeout | undefined

  constructor(options: ServeOptions) {
    this.options = options
    this.teller = new Teller(options.log, options.board)
    this.refusals = new RefusalCounter(options.log)
    this.metrics = this.makeMetrics()
    // Whoever waits for it begins to once all is there.
    this.end.promise.catch(() => {})
  }

  /** Opens what there is, in turn; the exchange last. */
  async start(): Promise<void> {
    const { settings, natsUrl, board } = this.options
    await this.listen()
    if (natsUrl !== undefined) this.gateway = await this.connect(natsUrl)
    if (settings.stdio) this.stdio = new StdioGateway()
    await this.refuseBesideAnother()
    board.seq = () => this.exchange?.seq ?? this.standby?.seq
    await this.join()
    const input = this.stdio?.read(() => this.exchange)
    input?.then(() => settings.stay || this.end.resolve(), this.end.reject)
  }

  /** Takes nothing more in; then all that was taken in is committed and said; then all ends. */
  async stop(): Promise<void> {
    const { log, board } = this.options
    board.phase = 'stopping'
    clearInterval(this.watch)
    await this.guest?.then((guest) => guest.stop())
    this.httpGateway?.finishTaking()
    await this.gateway?.finishTaking()
    await this.standby?.close()
    // It may have come to lead at the last moment.
    this.exchange ??= await this.standby?.leading.catch(() => undefined)
    const { exchange, gateway } = this
    const endPatience = this.bePatient()
    try {
      await exchange?.settled()
      await gateway?.finishSaying()
      await Promise.all([gateway?.close(), this.httpGateway?.close()])
      await exchange?.close({ snapshot: true, ...(gateway && { said: gateway.history.newest() }) })
    } finally {
      endPatience()
    }
    this.refusals.stop()
    this.metrics.stop()
    await this.http?.close()
    const seq = exchange?.seq ?? this.standby?.seq ?? null
    log.info({ event: 'stopped', seq }, `stopped at seq ${seq}`)
  }

  /** Waits for servers that are away, within a bound; the result ends that. */
  private bePatient(): () => void {
    const { exchange, gateway } = this
    const ends = [
      giveUpAfter(PATIENCE_MS, {
        isThere: () => gateway?.isThere ?? true,
        giveUp: () => gateway?.giveUp(),
      }),
      giveUpAfter(PATIENCE_MS, {
        isThere: () => exchange?.isSure ?? true,
        giveUp: () => exchange?.giveUp(),
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  /** Ends what is left after it broke; what cannot be ended is said and keeps nothing else open. */
  async abandon(): Promise<void> {
    clearInterval(this.watch)
    this.httpGateway?.stopTaking()
    this.gateway?.stopTaking()
    // A guest that cannot say goodbye any more has nothing to lose.
    await this.guest?.then((guest) => guest.stop()).catch(() => {})
    const { standby, gateway, httpGateway, exchange, http } = this
    const endPatience = this.bePatient()
    for (const part of [standby, gateway, httpGateway, exchange, http]) {
      try {
        await part?.close()
      } catch (error) {
        // Why it ended, and the exit code, stay what they were.
        this.options.log.warn({ event: 'end' }, outcomeOf(error).message)
      }
    }
    endPatience()
    this.refusals.stop()
    this.metrics.stop()
  }

  private async listen(): Promise<void> {
    const { settings, log, board } = this.options
    const { httpPort, httpHost } = settings
    if (httpPort === 'off') return
    this.httpGateway = this.makeHttpGateway()
    const at = { host: httpHost, port: httpPort, health: () => board.health() }
    const { page: metrics } = this.metrics
    const gateway = this.httpGateway
    this.http = await HttpServer.listen({ ...at, metrics, gateway }).catch((error) => {
      if (error.code !== 'EADDRINUSE') throw error
      const todo = 'give another with --http-port, 0 for any that is free'
      throw new Inability(`port ${httpPort} of ${httpHost} is taken: ${todo}.`)
    })
    const { url } = this.http
    log.info({ event: 'http', url }, `health at ${url}/readyz`)
    if (this.httpGateway === undefined) return
    log.info({ event: 'http-orders', url: `${url}/v1` }, `orders at ${url}/v1, read ${url}/v1/docs`)
  }

  private makeMetrics(): Metrics {
    const { board } = this.options
    return new Metrics({
      version: board.version,
      progress: () => this.exchange?.progress,
      isReady: () => board.health().isReady,
      isLeading: () => board.phase === 'leading',
      isNatsThere: () => board.isNatsThere,
      streams: () => this.httpGateway?.streamStats,
      httpConnections: async () => this.http?.connections() ?? 0,
      refusals: () => this.refusals.totals,
    })
  }

  /** Undefined where nobody says who asks: then there are no routes but those of health. */
  private makeHttpGateway(): HttpGateway | undefined {
    const { access, natsUrl, board, log, settings } = this.options
    if (access === undefined) return undefined
    // NATS is connected later, but before anybody leads, and nobody asks earlier.
    const range: ReportHistory['range'] = (...of) =>
      (this.gateway as NatsGateway).history.range(...of)
    return new HttpGateway({
      ...{ ...access, version: board.version, onRefused: this.refusals.count },
      serverTiming: settings.httpServerTiming,
      history: natsUrl === undefined ? undefined : { range },
      market: natsUrl === undefined ? undefined : () => (this.gateway as NatsGateway).market,
      depthEveryMs: settings.depthEveryMs,
      onError(error) {
        const why = error instanceof Error ? error.message : String(error)
        log.error({ event: 'http-error' }, `a request over HTTP met a fault: ${why}`)
      },
    })
  }

  private connect(url: string): Promise<NatsGateway> {
    const { settings, board } = this.options
    board.isNatsThere = true
    return NatsGateway.connect({
      url,
      format: settings.reportFormat,
      depthEveryMs: settings.depthEveryMs,
      onConnection: this.teller.onConnection,
      onDenied: this.teller.onDenied,
      onRefused: this.refusals.count,
      about: () => board.about(),
      version: board.version,
      onFault: this.end.reject,
    })
  }

  /** Before anything is taken from anybody: two on one NATS server carry out every order twice. */
  private async refuseBesideAnother(): Promise<void> {
    const others = await this.others()
    if (others.length === 0) return
    const { market, holder } = await readLeader(this.options.databaseUrl)
    // A copy of a database has its market's name, and another leader.
    const isOurs = (each: ServingExchange) =>
      each.market === market && (each.holder === holder || holder === '')
    const other = others.find((each) => !isOurs(each))
    if (other !== undefined) throw besideAnother(other)
  }

  /**
   * Of two that begin at once, neither has seen the other: who sees one now does not go on. One of
   * this market has led before, and learns by its next sign of life that it does no more; or its
   * database is a copy.
   */
  private async lookAgain({ identity }: DurableExchange): Promise<void> {
    let others = await this.others()
    const ids = new Set(others.map(({ id }) => id))
    if (others.length > 0 && others.every(({ market }) => market === identity.market)) {
      await delay(LAST_WORDS_MS, undefined, { ref: false })
      others = (await this.others()).filter(({ id }) => ids.has(id))
    }
    if (others.length > 0 && this.options.board.phase === 'leading') throw besideAnother(others[0])
  }

  private async others(): Promise<readonly ServingExchange[]> {
    const { gateway } = this
    if (gateway === undefined) return []
    const others = await gateway.others()
    if (others === undefined) this.teller.tellCannotAsk()
    return others ?? []
  }

  /** Recovers, and leads or stands by. */
  private async join(): Promise<void> {
    const { settings, databaseUrl, log, board } = this.options
    const progress = new Progress('recovering', (text, fields) =>
      log.info({ event: 'recovering', ...fields }, text),
    )
    const { gateway, httpGateway, stdio, teller, metrics } = this
    const gateways = [gateway?.takeReports, httpGateway?.takeReports, stdio?.takeReports]
    const takers = [...gateways, metrics.takeReports]
    const durable: DurableOptions = {
      ...{ url: databaseUrl, workers: settings.workers, clockEveryMs: settings.clockEveryMs },
      snapshotEvery: settings.snapshotEvery,
      retention: { snapshots: settings.keepSnapshots, journalMs: settings.keepJournal },
      takeReports: fanOut(...takers.filter((take) => take !== undefined)),
      ...(gateway && { onPublishedBefore: (before) => gateway.history.remember(before) }),
      onForgotten: teller.onForgotten,
      onProgress: (seq, ofSeq) => progress.at(seq, ofSeq),
      onJournal: teller.onJournal,
      onCommitted: metrics.onCommitted,
      onSnapshot: teller.onSnapshot,
      onBroken: (error) => {
        // At once: what comes from now on is for whoever leads.
        gateway?.stopTaking()
        httpGateway?.stopTaking()
        this.end.reject(error)
      },
    }
    board.phase = 'recovering'
    log.info({ event: 'recovering' }, 'recovering')
    const startMs = performance.now()
    try {
      if (settings.standby) this.standby = await Standby.open(durable)
      else this.exchange = await DurableExchange.open(durable)
    } finally {
      progress.end()
    }
    // Until here a signal ends the process at once: nothing was taken in.
    onStopSignal(() => {
      log.info({ event: 'stopping' }, 'stopping')
      this.end.resolve()
    })
    if (this.standby !== undefined) this.follow(this.standby, startMs)
    if (this.exchange === undefined) return
    teller.tellRecovery(this.exchange.recovery)
    await this.lead(this.exchange)
  }

  private follow(standby: Standby, startMs: number): void {
    const { log, board } = this.options
    board.phase = 'standby'
    const ms = Math.round(performance.now() - startMs)
    const fields = { event: 'recovered', seq: standby.seq, ms }
    log.info(fields, `standing by: recovered seq ${standby.seq} in ${ms} ms`)
    let said = ''
    this.watch = setInterval(() => {
      const { leader, seq } = standby
      if (leader === said || leader === '') return
      said = leader
      log.info({ event: 'standby', leader, seq }, `standing by at seq ${seq}: ${leader} leads`)
    }, LOOK_MS)
    standby.leading
      .then((exchange) => {
        clearInterval(this.watch)
        this.exchange = exchange
        // It may be about to stop: then nothing more is taken in.
        return board.phase === 'standby' ? this.lead(exchange) : undefined
      })
      .catch(this.end.reject)
  }

  /** From now on commands are taken in. */
  private async lead(exchange: DurableExchange): Promise<void> {
    const { natsUrl, board, onServing } = this.options
    const { recovery } = exchange
    board.recovery = recovery
    board.isJournalReady = true
    await this.gateway?.open(exchange, exchange.identity)
    // Ended meanwhile: it is not ready any more.
    if (board.phase === 'stopping' || board.phase === 'broken') return
    this.httpGateway?.open(exchange)
    board.phase = 'leading'
    this.teller.tellLead(recovery, { natsUrl, httpUrl: this.http?.url })
    this.lookAgain(exchange).catch(this.end.reject)
    if (natsUrl === undefined || onServing === undefined) return
    this.guest = onServing({ natsUrl, httpUrl: this.http?.url })
    this.guest.catch(this.end.reject)
  }
}

function besideAnother({ holder }: ServingExchange): Inability {
  const who = `another exchange (${holder}), of another database, serves on this NATS server`
  const todo = 'stop it, or give this one a server of its own with --nats'
  return new Inability(`${who}, and every order would be carried out by both: ${todo}.`)
}
