// Opens an exchange in a process of its own, as a restart does, and says how long that took.

import { performance } from 'node:perf_hooks'
import { DurableExchange } from '../src/durable.ts'

const [url, workers] = process.argv.slice(2) as [string, string]
const startMs = performance.now()
const exchange = await DurableExchange.open({ url, workers: Number(workers), onReports: () => {} })
const openMs = performance.now() - startMs
const { user, system } = process.cpuUsage()
const cpuMs = (user + system) / 1_000
console.log(JSON.stringify({ ...exchange.recovery, openMs, startMs, cpuMs }))
await exchange.close()
