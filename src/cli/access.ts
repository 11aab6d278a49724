// Who may trade over HTTP, and how much of it, by the settings.

import { ConfigProblem, type Settings } from '../config.ts'
import {
  AuthProblem,
  type AuthSettings,
  createAuthenticate,
  developmentAuth,
  readAuthSettings,
} from '../gateway/http/auth/authenticator.ts'
import { BEARER } from '../gateway/http/gateway.ts'
import { Limits } from '../gateway/http/limits/limits.ts'
import type { Authenticate, Throttles } from '../gateway/http/principal.ts'
import type { Log } from './log.ts'

/** One window of the limits, in seconds. */
const WINDOW_S = 1

const SIGNED = {
  ...{ type: 'apiKey', in: 'header', name: 'onefill-signature' },
  description: 'With onefill-key, onefill-time and onefill-nonce: docs/http-auth.md.',
}

export interface Access {
  readonly authenticate: Authenticate
  readonly throttles: Throttles
  /** The ways to say who asks, as OpenAPI describes them. */
  readonly securitySchemes: Readonly<Record<string, object>>
  /** Whether limits are counted by this process alone though they are to be shared. */
  readonly isDegraded: () => boolean
  /** In development: a token for an account that is ready to use. */
  readonly token: ((account: string) => Promise<string>) | undefined
  close(): void
}

/** Undefined where nobody may trade over HTTP. Throws a ConfigProblem. */
export function openAccess(settings: Settings, log: Log): Access | undefined {
  const { httpAuth, httpAccountRate, httpTotalRate, redisUrl } = settings
  if (httpAuth === 'off') return undefined
  const development = httpAuth === 'development' ? developmentAuth() : undefined
  const rate = (points: number | 'off') =>
    points === 'off' ? undefined : { points, seconds: WINDOW_S }
  const [perAccount, total] = [rate(httpAccountRate), rate(httpTotalRate)]
  const auth = development?.settings ?? readAccess(httpAuth)
  const authenticate = createAuthenticate(auth)
  const rates = { ...(perAccount && { perAccount }), ...(total && { total }) }
  const limits = new Limits({
    ...{ redisUrl, orders: rates, requests: rates },
    onRedis: (isThere, why) => {
      if (isThere) log.info({ event: 'redis-back' }, 'limits are shared in Redis')
      else log.warn({ event: 'redis-away' }, `limits are counted by this process alone: ${why}`)
    },
  })
  return {
    ...{ authenticate, throttles: limits, isDegraded: () => limits.isDegraded },
    securitySchemes: { ...(auth.jwt && BEARER), ...(auth.apiKeys && { key: SIGNED }) },
    token: development && ((account) => development.token(account)),
    close: () => limits.close(),
  }
}

/** What the file of httpAuth says. Throws a ConfigProblem that says all that is wrong there. */
export function readAccess(file: string): AuthSettings {
  try {
    return readAuthSettings(file)
  } catch (error) {
    if (!(error instanceof AuthProblem)) throw error
    throw new ConfigProblem(error.message.split('\n').map((line) => `httpAuth: ${line}`))
  }
}
