// An exchange that serves NATS as a process of its own, to be killed; or a standby that does once
// the other one is silent. Its addresses and role are in its environment.

import { DurableExchange, type DurableOptions, Standby } from '../../src/durable.ts'
import { NatsGateway } from '../../src/gateway/nats-gateway.ts'

const { TEST_NATS = '', TEST_DATABASE = '', TEST_ROLE = 'leader' } = process.env
const gateway = await NatsGateway.connect({ url: TEST_NATS })
const options: DurableOptions = {
  url: TEST_DATABASE,
  takeReports: gateway.takeReports,
  onBroken: () => process.exit(3),
  ...(TEST_ROLE === 'leader' && { silenceMs: 300 }),
}

async function lead(): Promise<DurableExchange> {
  if (TEST_ROLE === 'leader') return DurableExchange.open(options)
  const standby = await Standby.open(options)
  process.send?.('follows')
  return standby.leading
}

gateway.open(await lead())
process.send?.('leads')
