// `npm run load:k6 [-- SCRIPT]`: a k6 script against an exchange of its own, over HTTP. A threshold
// that does not hold ends it with exit code 1.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Command } from 'commander'
import { assert } from '../../src/lib/assert.ts'
import { Crowd } from '../nats/crowd.ts'
import { prepare } from '../nats/open-loop.ts'
import { prepareAccount, prepareMarket, RUSH } from '../nats/thousand-buys.ts'
import { type HttpTarget, openOwnTarget } from '../target.ts'
import { findK6 } from './binary.ts'

/** Traders that the mixed flows are sent for. */
const TRADERS = 32

/** By script: what it needs of the exchange, as variables of k6. */
const SCRIPTS: Record<string, (target: HttpTarget, crowd: Crowd) => Promise<Variables>> = {
  'thousand-buys': async (target, crowd) => {
    const account = `k6-${process.pid}-${rounds}`
    await prepareMarket(crowd)
    await prepareAccount(crowd, account)
    const TOKEN = await target.token(account)
    return { TOKEN, ACCOUNT: account, SYMBOL: RUSH.symbol, PRICE: String(RUSH.price) }
  },
  steady: async (target, crowd) => {
    await prepare(crowd)
    const traders = Array.from({ length: TRADERS }, async (_, n) => ({
      token: await target.token(`trader-${n * 2}`),
      symbol: `S${n % 8}`,
    }))
    return { TRADERS: JSON.stringify(await Promise.all(traders)) }
  },
  websocket: (target, crowd) => SCRIPTS.steady(target, crowd),
}
type Variables = Record<string, string>

const program = new Command('npm run load:k6 --')
  .description('Runs a k6 script against an exchange of its own.')
  .argument('[script]', Object.keys(SCRIPTS).join(' or '), 'thousand-buys')
  .option('--rounds <n>', 'how often, each with an account of its own', '1')
  .parse()
const [script] = program.processedArgs as [string]
if (!Object.hasOwn(SCRIPTS, script)) program.error(`no script is called ${script}; see --help`)
const wanted = Number(program.opts<{ rounds: string }>().rounds)
let rounds = 0

const k6 = findK6()
const target = await openOwnTarget()
const crowd = await Crowd.open(target.natsUrl, 1)
try {
  for (rounds = 1; rounds <= wanted; rounds += 1) {
    const failed = await run(await SCRIPTS[script](target, crowd))
    if (failed === 0) continue
    process.exitCode = 1
    break
  }
} finally {
  await crowd.close()
  await target.close()
}

/** Its exit code. */
async function run(variables: Variables): Promise<number> {
  const all = { BASE_URL: target.httpUrl, RUN: `k6-${process.pid}-${rounds}`, ...variables }
  const env = Object.entries(all).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const file = join(import.meta.dirname, `${script}.js`)
  const child = spawn(k6, ['run', '--quiet', ...env, file], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  assert(typeof code === 'number', 'k6 has ended by itself')
  return code
}
