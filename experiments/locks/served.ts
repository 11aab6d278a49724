// An exchange as a user runs it: `onefill serve` in a process of its own, asked over NATS and HTTP.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Crowd } from '../../load/nats/crowd.ts'
import { TokenIssuer } from '../../load/tokens.ts'
import { freePort } from '../../src/persistence/child-server.ts'
import { Accounts, type Balance, MARKET } from './market.ts'
import type { Audit } from './way.ts'

const TOOL = join(import.meta.dirname, '../../bin/onefill.js')
/** Commands in one message. */
const BATCH = 500

export interface ServedOptions {
  /** For its files. */
  readonly folder: string
  readonly database: string
  readonly nats: string
}

export class Served {
  readonly accounts = new Accounts()
  readonly crowd: Crowd
  readonly httpUrl: string
  private readonly tokens: TokenIssuer
  private readonly child: ChildProcess
  private isClosing = false

  private constructor(crowd: Crowd, httpUrl: string, tokens: TokenIssuer, child: ChildProcess) {
    this.crowd = crowd
    this.httpUrl = httpUrl
    this.tokens = tokens
    this.child = child
  }

  /** Starts it; it leads, and has its market. */
  static async start({ folder, database, nats }: ServedOptions): Promise<Served> {
    const own = mkdtempSync(join(folder, 'served-'))
    const [auth, log] = [join(own, 'auth.json'), join(own, 'log')]
    const tokens = new TokenIssuer()
    writeFileSync(auth, tokens.settings, { mode: 0o600 })
    const port = await freePort()
    const http = ['--http-port', String(port), '--http-auth', auth]
    // Reports are written as its users' requests are.
    const servers = ['--database', database, '--nats', nats, '--report-format', 'msgpack']
    const args = ['serve', ...servers, ...http]
    const out = openSync(log, 'a')
    const { DATABASE_URL: _, NATS_URL: __, REDIS_URL: ___, ...env } = process.env
    // Apart from our terminal: Ctrl+C is not for it. It ends with us, however we end.
    const child = spawn(process.execPath, [TOOL, ...args, '--log-format', 'json'], {
      ...{ cwd: own, env, stdio: ['ignore', out, out], detached: true },
    })
    process.once('exit', () => child.kill('SIGKILL'))
    const crowd = await Crowd.open(nats, 1)
    const served = new Served(crowd, `http://127.0.0.1:${port}`, tokens, child)
    // Who waits for an answer would wait for ever.
    child.once('exit', (code) => {
      if (served.isClosing) return
      throw new Error(`the exchange has ended with ${code}: ${readFileSync(log, 'utf8')}`)
    })
    // It is asked again until somebody leads.
    await served.ask('admin.batch', MARKET)
    return served
  }

  async prepare(accounts: number, money: number): Promise<void> {
    const commands = this.accounts.prepare(accounts, money)
    for (let from = 0; from < commands.length; from += BATCH) {
      await this.ask('admin.batch', commands.slice(from, from + BATCH))
    }
  }

  ask(subject: string, body: unknown) {
    return this.crowd.ask(0, `onefill.v1.${subject}`, body)
  }

  audit(): Promise<Audit> {
    return this.accounts.audit(async (account) => {
      const answer = await this.ask(`query.${account}.balances`, {})
      return (answer as { balances: Balance[] }).balances
    })
  }

  /** For an account, to ask over HTTP. */
  token(account: string): Promise<string> {
    return this.tokens.token(account)
  }

  async close(): Promise<void> {
    this.isClosing = true
    await this.crowd.close()
    const { child } = this
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill()
    await once(child, 'exit')
  }
}
