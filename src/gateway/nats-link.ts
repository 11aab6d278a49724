// One connection to NATS that comes back for ever: what must arrive goes through its outbox, what
// may be lost beside it.

import { setTimeout as delay } from 'node:timers/promises'
import { connect, errors, type NatsConnection } from '@nats-io/transport-node'
import { FRAME_BYTES_MAX } from './bounds.ts'
import { LooseBox } from './loose-box.ts'
import { connectionOf, hostsOf } from './nats-address.ts'
import { NatsProblem } from './nats-problem.ts'
import { Outbox } from './outbox.ts'
import { isOurs } from './subjects.ts'

/** A server that says nothing for so long, two times, is taken for gone, in ms. */
const PING_EVERY_MS = 5_000
/** What closing takes where nothing holds it up, in ms. */
const CLOSE_MS_MAX = 500

export interface LinkEvents {
  /** The server is lost, or there again. */
  readonly onState: (isThere: boolean) => void
  /** The server does not let us publish to a subject of ours. */
  readonly onDenied: (subject: string) => void
  /** The server was slow and messages were dropped; it has taken the others now. */
  readonly onRoom: () => void
  /** It is over for good, though nobody closed it. */
  readonly onBroken: (error: unknown) => void
}

export class NatsLink {
  readonly connection: NatsConnection
  readonly outbox: Outbox
  readonly loose: LooseBox
  private readonly events: LinkEvents
  isThere = true
  private isClosing = false

  private constructor(connection: NatsConnection, events: LinkEvents) {
    this.connection = connection
    this.events = events
    this.outbox = new Outbox(connection)
    this.loose = new LooseBox(connection, { onRoom: () => this.isClosing || events.onRoom() })
    this.watch().catch((error) => this.events.onBroken(error))
    void connection.closed().then((error) => {
      if (this.isClosing) return
      this.events.onBroken(error ?? new Error('the connection to NATS was closed'))
    })
  }

  /** Connects; throws a {@link NatsProblem}. */
  static async open(url: string, name: string, events: LinkEvents): Promise<NatsLink> {
    let connection: NatsConnection
    try {
      connection = await connect({
        ...{ ...connectionOf(url), name, maxReconnectAttempts: -1, ignoreAuthErrorAbort: true },
        ...{ reconnectTimeWait: 100, reconnectJitter: 50, pingInterval: PING_EVERY_MS },
      })
    } catch (error) {
      throw unusable(url, error instanceof Error ? error.message : String(error))
    }
    const wrong = tooSmall(connection)
    if (wrong === undefined) return new NatsLink(connection, events)
    await connection.close()
    throw unusable(url, wrong)
  }

  /** Disconnects, once all that was published is written, within a bound. */
  async close(msMax: number): Promise<void> {
    this.isClosing = true
    const timer = setTimeout(() => void this.connection.close(), msMax)
    // A server that does not read holds up even that: then it is left to the end of the process.
    const bound = delay(msMax + CLOSE_MS_MAX, undefined, { ref: false })
    await Promise.race([this.end(), bound])
    clearTimeout(timer)
    this.outbox.end()
  }

  private async end(): Promise<void> {
    try {
      if (this.isThere) await this.connection.drain()
    } catch {
      // Lost in the middle: there is nobody to send to.
    } finally {
      await this.connection.close()
    }
  }

  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.lost()
      else if (status.type === 'reconnect') this.back()
      else if (status.type === 'error') this.denied(status.error)
    }
  }

  /** Replies go where others say; that these may not be is theirs to know. */
  private denied(error: Error): void {
    const { PermissionViolationError } = errors
    if (!(error instanceof PermissionViolationError) || error.operation !== 'publish') return
    if (isOurs(error.subject)) this.events.onDenied(error.subject)
  }

  private lost(): void {
    this.isThere = false
    this.outbox.lost()
    this.loose.lost()
    this.events.onState(false)
  }

  private back(): void {
    const wrong = tooSmall(this.connection)
    if (wrong !== undefined) return this.events.onBroken(new NatsProblem('NATS_FAILED', wrong))
    this.isThere = true
    this.outbox.back()
    this.loose.back()
    this.events.onState(true)
  }
}

/** What is published must fit. */
function tooSmall({ info }: NatsConnection): string | undefined {
  const bytes = info?.max_payload ?? 0
  if (bytes >= FRAME_BYTES_MAX) return undefined
  return `its max_payload is ${bytes} bytes, and ${FRAME_BYTES_MAX} are needed`
}

function unusable(url: string, why: string): NatsProblem {
  return new NatsProblem('NATS_FAILED', `No NATS server can be used at ${hostsOf(url)}: ${why}.`)
}
