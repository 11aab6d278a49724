// A program outside: a journal in the Postgres that it is told, and a snapshot of it, which a
// process of its own takes.

import { DurableExchange } from 'onefill/durable'
import { SCENE } from './scene.ts'

const exchange = await DurableExchange.open({
  url: process.argv[2],
  onReports: (reports) => {
    for (const { seq, execType } of reports) console.log(seq, execType)
  },
})
for (const command of SCENE) exchange.submit(command)
await exchange.settled()
const taken = await exchange.snapshot()
const { hash } = await exchange.stateHash()
console.log('snapshot at', taken?.seq, taken?.hash === hash)
await exchange.close()
