// Stands by; once it leads, trades, some thousand orders a second. Says when it is warm, when it
// leads, and when its first order was acknowledged.

import { setTimeout as sleep } from 'node:timers/promises'
import { Standby } from '../src/durable.ts'

const [url, name] = process.argv.slice(2) as [string, string]
const say = (what: object) => process.send?.({ name, atMs: Date.now(), ...what })
let isLeading = false
let isFirst = true

const standby = await Standby.open({
  url,
  snapshotEvery: 0,
  onReports: (reports) => {
    // Those of the leader before, given out again, come first and are no acknowledgement of ours.
    if (!isLeading || !isFirst) return
    if (!reports.some(({ clOrdId }) => clOrdId?.startsWith(name))) return
    isFirst = false
    say({ acknowledged: true })
  },
})
say({ warm: standby.seq })
const exchange = await standby.leading
isLeading = true
say({ leads: exchange.seq, republished: exchange.recovery.republished })
if (exchange.seq === 0) {
  exchange.submit({ cmd: 'asset', asset: 'USD', decimals: 2 })
  exchange.submit({ cmd: 'asset', asset: 'X', decimals: 0 })
  const units = { base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' }
  exchange.submit({ cmd: 'instrument', symbol: 'X', ...units })
  for (const account of ['a', 'b']) {
    exchange.submit({ cmd: 'account', account })
    exchange.submit({
      ...{ cmd: 'deposit', account, asset: 'USD', amount: '1000000000', transferId: 'u' },
    })
    exchange.submit({
      ...{ cmd: 'deposit', account, asset: 'X', amount: '1000000000', transferId: 'x' },
    })
  }
}
for (let number = 0; ; number += 1) {
  exchange.submit({
    ...{ cmd: 'new', account: number % 2 === 0 ? 'a' : 'b', clOrdId: `${name}-${number}` },
    ...{ symbol: 'X', side: number % 2 === 0 ? 'buy' : 'sell', ordType: 'limit' },
    ...{ price: '1', orderQty: '1' },
  })
  if (number % 20 === 0) await sleep(2)
}
