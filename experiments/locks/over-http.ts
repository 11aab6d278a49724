// Onefill over HTTP: a request for each order, a connection for each who asks at once.

import { Agent, request } from 'node:http'
import { assert } from '../../src/lib/assert.ts'
import { isAccepted, orderOf } from './market.ts'
import { Served } from './served.ts'
import { type Audit, newCounts, type Way } from './way.ts'

/** Connections: each buyer has its own, open before it asks. */
const CONNECTIONS = 1_000
const [CREATED, UNPROCESSABLE] = [201, 422]

interface Answer {
  readonly status: number
  readonly body: string
}

/** JSON, with a bearer token, over connections that are kept. */
export class HttpWay implements Way {
  readonly counts = newCounts()
  private readonly served: Served
  /** It would close all but 256 of those that are not used. */
  private readonly agent = new Agent({
    ...{ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS },
  })
  private tokens: string[] = []

  private constructor(served: Served) {
    this.served = served
  }

  static async open(folder: string, database: string, nats: string): Promise<HttpWay> {
    return new HttpWay(await Served.start({ folder, database, nats }))
  }

  async prepare(accounts: number, money: number): Promise<void> {
    const { served } = this
    await served.prepare(accounts, money)
    const names = Array.from({ length: accounts }, (_, n) => served.accounts.nameOf(n))
    this.tokens = await Promise.all(names.map((name) => served.token(name)))
    // Connections that were idle for long may be gone: each is there when it is asked over.
    await Promise.all(Array.from({ length: CONNECTIONS }, () => this.send('GET', '/livez', {})))
  }

  async buy(account: number, id: string): Promise<boolean> {
    const headers = {
      authorization: `Bearer ${this.tokens[account]}`,
      'content-type': 'application/json',
    }
    const order = JSON.stringify(orderOf(id))
    const { status, body } = await this.send('POST', '/v1/orders', headers, order)
    const said = JSON.parse(body)
    assert(status === (said.execType === 'new' ? CREATED : UNPROCESSABLE), `${status} ${body}`)
    return isAccepted(said.report ?? said)
  }

  audit(): Promise<Audit> {
    return this.served.audit()
  }

  async close(): Promise<void> {
    this.agent.destroy()
    await this.served.close()
  }

  private send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<Answer> {
    const { agent, served } = this
    return new Promise((resolve, reject) => {
      const length = { 'content-length': Buffer.byteLength(body) }
      const options = { agent, method, headers: { ...headers, ...length } }
      const asked = request(served.httpUrl + path, options, (response) => {
        const { statusCode: status = 0 } = response
        let said = ''
        response.setEncoding('utf8')
        response.on('data', (part) => {
          said += part
        })
        response.on('end', () => resolve({ status, body: said }))
        response.on('error', reject)
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }
}
