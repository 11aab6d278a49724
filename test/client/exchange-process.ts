// A process that serves NATS from a database until it is killed: `node exchange-process.ts NATS
// POSTGRES`. Says `leading` when it does.

import { DurableExchange } from '../../src/durable.ts'
import { NatsGateway } from '../../src/gateway/nats-gateway.ts'

const [, , natsUrl, url] = process.argv
const gateway = await NatsGateway.connect({ url: natsUrl })
const exchange = await DurableExchange.open({
  ...{ url, takeReports: gateway.takeReports, onBroken: () => process.exit(70) },
})
gateway.open(exchange)
console.log('leading')
