// A process that trades on a durable exchange until it is killed. It writes each answer, once it
// has it, as a line on its standard output: what it has said there, it must never take back.

import { writeSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { DurableExchange } from '../../src/durable.ts'
import { Prng } from './prng.ts'

const [url, workers, seed] = process.argv.slice(2) as [string, string, string]
const random = new Prng(Number(seed))
const ACCOUNTS = ['alice', 'bob', 'carol']

const exchange = await DurableExchange.open({
  url,
  workers: Number(workers),
  onReports: (answers) => {
    // At once and whole: a line that is out was acknowledged.
    writeSync(1, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''))
  },
})
writeSync(1, `${JSON.stringify({ recovered: exchange.recovery })}\n`)
if (exchange.seq === 0) {
  exchange.submit({ cmd: 'asset', asset: 'USD', decimals: 2 })
  exchange.submit({ cmd: 'asset', asset: 'X', decimals: 0 })
  const units = { base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1', takerFeeRate: '0.001' }
  exchange.submit({ cmd: 'instrument', symbol: 'XUSD', ...units })
  for (const account of ACCOUNTS) {
    exchange.submit({ cmd: 'account', account })
    const transferId = 'first'
    exchange.submit({ cmd: 'deposit', account, asset: 'USD', amount: '1000000', transferId })
    exchange.submit({ cmd: 'deposit', account, asset: 'X', amount: '1000000', transferId: 'x' })
  }
}
for (let number = 0; ; number += 1) {
  for (let n = random.int(1, 40); n > 0; n -= 1) {
    exchange.submit({
      ...{ cmd: 'new', account: random.pick(ACCOUNTS), clOrdId: `${seed}-${number}-${n}` },
      ...{ symbol: 'XUSD', side: random.pick(['buy', 'sell']), ordType: 'limit' },
      ...{ price: `1.0${random.int(0, 9)}`, orderQty: `${random.int(1, 9)}` },
    })
  }
  if (random.chance(0.02)) void exchange.snapshot()
  await turn()
}
