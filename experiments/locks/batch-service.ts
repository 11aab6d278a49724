// The batched statement as a service: the messages that Onefill takes, answered when committed. It
// is told by its environment where its servers are.

import { connect } from '@nats-io/transport-node'
import { Packr } from 'msgpackr/index-no-eval'
import { connectionOf } from '../../src/gateway/nats-address.ts'
import { Batches } from './batch.ts'
import { Tables } from './sql.ts'

const { LOCKS_NATS = '', LOCKS_DATABASE = '' } = process.env

const packr = new Packr({ useRecords: false, mapsAsObjects: true })
const tables = new Tables(LOCKS_DATABASE, 1)
const batches = new Batches(tables.pool)
await tables.prepare(1, 0)
await batches.prepare()
const connection = await connect(connectionOf(LOCKS_NATS))

connection.subscribe('onefill.v1.order.*.new', {
  callback: (_, message) => {
    const account = message.subject.split('.')[3]
    const { clOrdId } = packr.unpack(message.data) as { clOrdId: string }
    batches.buy(Number(account), clOrdId).then(
      (accepted) => {
        const said = accepted
          ? { execType: 'new' }
          : { execType: 'rejected', code: 'INSUFFICIENT_FUNDS' }
        message.respond(packr.pack({ ...said, account, clOrdId }))
      },
      // Nothing is wrong with the order: whoever asked is not answered, and sees this.
      (error) => {
        console.error(error)
        process.exit(1)
      },
    )
  },
})
await connection.flush()
process.once('SIGTERM', async () => {
  await connection.close()
  await tables.close()
})
process.send?.('ready')
// Nothing more is said here.
process.disconnect?.()
