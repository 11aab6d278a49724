// Traders over real HTTP who send the same again, with the same clOrdId, until there is an answer
// that is final, and who note what they were told.

import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Acknowledged } from './acknowledged.ts'

/** Who sends, and where it trades. */
export interface HttpTrader {
  readonly account: string
  readonly token: string
  readonly symbol: string
}

export interface HttpAnswer {
  /** 0: none came. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Where no answer came, the same is sent again after so long, in ms. */
const AGAIN_MS = 50
const NO_ANSWER: HttpAnswer = { status: 0, headers: {}, text: '' }

export class HttpTraders {
  /** What the traders were told. */
  readonly acknowledged = new Acknowledged()
  /** Answers by status, each request's; 0: none came. */
  readonly statuses = new Map<number, number>()
  private readonly url: URL
  private readonly agent: Agent

  constructor(url: string, connections = 64) {
    this.url = new URL(url)
    this.agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /** Sends an order until its answer is final: 201, or a refusal that stays one. */
  async submit(trader: HttpTrader, clOrdId: string, more: object = {}): Promise<HttpAnswer> {
    const { account, symbol } = trader
    const order = { ...orderOf(clOrdId, symbol), ...more }
    const answer = await this.askAgain('POST', '/v1/orders', trader, order)
    this.acknowledged.note(account, clOrdId, JSON.parse(answer.text))
    return answer
  }

  /** Cancels it, until there is an answer: one that has taken effect is not found the next time. */
  cancel(trader: HttpTrader, clOrdId: string): Promise<HttpAnswer> {
    const path = `/v1/orders/${clOrdId}?by=clOrdId&symbol=${trader.symbol}`
    return this.askAgain('DELETE', path, trader)
  }

  /** One request; an answer that does not come has the status 0. */
  async ask(method: string, path: string, token: string, body?: object): Promise<HttpAnswer> {
    const answer = await this.send(method, path, token, body)
    this.statuses.set(answer.status, this.countOf(answer.status) + 1)
    return answer
  }

  countOf(status: number): number {
    return this.statuses.get(status) ?? 0
  }

  close(): void {
    this.agent.destroy()
  }

  private async askAgain(
    method: string,
    path: string,
    { token }: HttpTrader,
    body?: object,
  ): Promise<HttpAnswer> {
    for (;;) {
      const answer = await this.ask(method, path, token, body)
      const isOver = answer.status !== 0 && answer.status !== 503 && answer.status !== 429
      if (isOver) return answer
      const seconds = answer.headers['retry-after']
      await sleep(seconds === undefined ? AGAIN_MS : Number(seconds) * 1_000)
    }
  }

  private send(method: string, path: string, token: string, body?: object): Promise<HttpAnswer> {
    const { agent } = this
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      }),
    }
    return new Promise((resolve) => {
      const sent = request(new URL(path, this.url), { method, agent, headers }, (response) => {
        let said = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          said += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: said }),
        )
        response.on('error', () => resolve(NO_ANSWER))
      })
      sent.on('error', () => resolve(NO_ANSWER))
      sent.end(text)
    })
  }
}

/** An order that rests. */
export const orderOf = (clOrdId: string, symbol: string) => ({
  ...{ clOrdId, symbol, side: 'buy', ordType: 'limit', price: '100', orderQty: '1' },
  timeInForce: 'GTC',
})
