// The k6 scripts, and what each needs of the exchange that it runs against.

import type { Crowd } from '../nats/crowd.ts'
import { prepare } from '../nats/open-loop.ts'
import { prepareAccount, prepareMarket, RUSH } from '../nats/thousand-buys.ts'
import type { HttpTarget } from '../target.ts'
import type { Variables } from './k6.ts'

/** Makes what a run of the script needs, and gives it as variables of k6; `run` is its own name. */
export type Prepare = (target: HttpTarget, crowd: Crowd, run: string) => Promise<Variables>

/** Traders that the mixed flow is sent for. */
const TRADERS = 32

const thousandBuys: Prepare = async (target, crowd, run) => {
  await prepareMarket(crowd)
  await prepareAccount(crowd, run)
  const TOKEN = await target.token(run)
  return { TOKEN, ACCOUNT: run, SYMBOL: RUSH.symbol, PRICE: String(RUSH.price) }
}

const mixedFlow: Prepare = async (target, crowd) => {
  await prepare(crowd)
  const traders = Array.from({ length: TRADERS }, async (_, n) => {
    const account = `trader-${n * 2}`
    return { account, token: await target.token(account), symbol: `S${n % 8}` }
  })
  return { TRADERS: JSON.stringify(await Promise.all(traders)) }
}

/** By name: the file beside this one is called so too. */
export const SCRIPTS: Readonly<Record<string, Prepare>> = {
  'thousand-buys': thousandBuys,
  steady: mixedFlow,
  spike: mixedFlow,
  soak: mixedFlow,
  clients: mixedFlow,
  websocket: mixedFlow,
}
