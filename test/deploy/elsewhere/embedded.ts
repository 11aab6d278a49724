// A program outside: an order that fills, in one thread and on two workers; and a book alone.

import { createExchange } from 'onefill'
import { EventLog, OrderBook, Side } from 'onefill/book'
import { SCENE, sell } from './scene.ts'

for (const workers of [0, 2]) {
  const exchange = createExchange({ workers })
  exchange.execute(SCENE)
  const reports = exchange.execute([
    { cmd: 'new', account: 'alice', ...sell, side: 'buy', clOrdId: 'b-1' },
    { cmd: 'new', account: 'bob', ...sell, clOrdId: 's-1' },
  ])
  for (const report of reports) console.log(JSON.stringify(report))
  console.log(exchange.stateHash())
  await exchange.close()
}

const events = new EventLog()
const book = new OrderBook(events)
book.limit(1, 7, Side.sell, 10_001, 5)
book.limit(2, 8, Side.buy, 10_001, 3)
for (const { kind, orderId, qtyLots } of events) console.log(kind, orderId, qtyLots)
