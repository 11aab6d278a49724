// The exchange as a process of its own, for the benchmark over NATS: told of by its environment,
// asked for the state's hash by a message. Its reports are msgpack, as the orders are.

import { DurableExchange } from '../src/durable.ts'
import { NatsGateway } from '../src/gateway/nats-gateway.ts'
import { Problem } from '../src/lib/problem.ts'

const { BENCH_NATS = '', BENCH_DATABASE = '', BENCH_WORKERS = '0' } = process.env

const end = (error: unknown): never => {
  // A problem says all in a sentence; anything else is a bug.
  console.error(error instanceof Problem ? error.message : error)
  process.exit(1)
}
const gateway = await NatsGateway.connect({
  ...{ url: BENCH_NATS, format: 'msgpack', onFault: end },
}).catch(end)
const exchange = await DurableExchange.open({
  ...{ url: BENCH_DATABASE, workers: Number(BENCH_WORKERS) },
  ...{ takeReports: gateway.takeReports, onBroken: end },
}).catch(end)
gateway.open(exchange)
process.on('message', async () => process.send?.(await exchange.stateHash()))
process.once('SIGTERM', async () => {
  await gateway.finishTaking()
  await exchange.close()
  await gateway.close()
  process.exit(0)
})
process.send?.('ready')
