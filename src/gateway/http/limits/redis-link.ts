// The connection to Redis: never waited for, never a queue; when it is away, that is known at once.

import { Redis } from 'ioredis'

/** A command that is not answered by then has failed, in ms. */
const COMMAND_MS = 250
/** A connection that is not there by then has failed, in ms. */
const CONNECT_MS = 1_000
/** From one try to connect to the next: at first, and at most, in ms. */
const RETRY_MS = 50
const RETRY_MS_MAX = 1_000

export class RedisLink {
  readonly client: Redis
  private readonly onChange: (isThere: boolean, why: string) => void
  /** What was told last; undefined: nothing yet. */
  private wasThere: boolean | undefined
  /** The last command that went wrong, until one goes well. */
  private isFailing = false
  /** Commands went unanswered, and the connection is being ended. */
  private isGivenUp = false
  private lastError = 'the connection was closed'

  /** `onChange` hears when Redis comes and goes, and why; no password stands in it. */
  constructor(url: string, onChange: (isThere: boolean, why: string) => void) {
    this.onChange = onChange
    this.client = new Redis(url, {
      ...{ connectTimeout: CONNECT_MS, commandTimeout: COMMAND_MS, disconnectTimeout: COMMAND_MS },
      // What cannot be sent now is of no use later: it fails, and the process counts by itself.
      ...{ enableOfflineQueue: false, autoResendUnfulfilledCommands: false },
      maxRetriesPerRequest: 0,
      retryStrategy: (tries) => Math.min(RETRY_MS * 2 ** Math.min(tries - 1, 10), RETRY_MS_MAX),
    })
    // Without a listener, ioredis writes errors to the console.
    this.client.on('error', (error: Error) => {
      this.lastError = error.message
    })
    this.client.on('ready', () => {
      this.isGivenUp = false
      this.isFailing = false
      this.tellChange()
    })
    this.client.on('close', this.tellChange)
  }

  /** Whether a command may be sent; if not, it is counted here. */
  get isUsable(): boolean {
    return this.client.status === 'ready' && !this.isGivenUp
  }

  /** Whether commands are answered, as far as is known. */
  get isThere(): boolean {
    return this.isUsable && !this.isFailing
  }

  /** A command was answered. */
  noteSuccess(): void {
    this.isFailing = false
    this.tellChange()
  }

  /**
   * A command went wrong. One that was not answered ends the connection: those behind it would each
   * wait as long, and stay in memory until Redis answers them all.
   */
  noteFailure(error: Error): void {
    this.lastError = error.message
    this.isFailing = true
    if (error.message === 'Command timed out' && this.isUsable) {
      this.isGivenUp = true
      this.client.disconnect(true)
    }
    this.tellChange()
  }

  /** Ends the connection; it is not tried again. */
  close(): void {
    // Nobody needs to hear of an end that was asked for.
    this.client.off('close', this.tellChange)
    this.client.disconnect()
  }

  private readonly tellChange = (): void => {
    if (this.isThere === this.wasThere) return
    this.wasThere = this.isThere
    this.onChange(this.isThere, this.isThere ? 'connected' : this.lastError)
  }
}
