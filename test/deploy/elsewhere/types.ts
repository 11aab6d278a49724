// What a program outside must not write: the types see it, so they are there.

import { createExchange } from 'onefill'
import { OrderBook } from 'onefill/book'
import { OnefillClient } from 'onefill/client'
import { DurableExchange } from 'onefill/durable'

// @ts-expect-error: a number, or how many for accounts and for symbols
createExchange({ workers: 'two' })
// @ts-expect-error: events go somewhere
new OrderBook()
// @ts-expect-error: who trades?
OnefillClient.connect({ servers: 'nats://127.0.0.1:4222' })
// @ts-expect-error: it needs a database
DurableExchange.open({ onReports: () => {} })
