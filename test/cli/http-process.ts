// What `onefill serve` runs, with a principal for each token: `node http-process.ts POSTGRES NATS`,
// a hyphen for no NATS.

import { HealthBoard } from '../../src/cli/health.ts'
import { createLog } from '../../src/cli/log.ts'
import { run } from '../../src/cli/serving.ts'
import { readConfig } from '../../src/config.ts'
import { byToken } from '../gateway/http-support.ts'

const [, , databaseUrl, nats] = process.argv
const natsUrl = nats === '-' ? undefined : nats
const { settings } = readConfig({ environment: {}, flags: { httpPort: 0, logFormat: 'json' } })
const code = await run({
  ...{ settings, databaseUrl, natsUrl },
  access: { authenticate: byToken, throttles: {}, securitySchemes: {} },
  ...{ log: createLog(settings), board: new HealthBoard('1.2.3') },
})
process.exit(code)
