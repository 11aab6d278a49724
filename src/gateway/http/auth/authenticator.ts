// The public face of authentication: from settings to a function that says who sent a request.

import type { Authenticate } from '../principal.ts'
import { ApiKeys } from './api-keys.ts'
import type { AuthSettings } from './auth-settings.ts'
import { BearerTokens } from './bearer.ts'
import { unauthenticated } from './refusals.ts'

export { type AuthSettings, readAuthSettings } from './auth-settings.ts'
export { type DevelopmentAuth, developmentAuth } from './development.ts'
export { AuthProblem } from './problem.ts'
export { type RequestToSign, type Signer, signRequest } from './sign.ts'

/**
 * A function that says who sent a request: by its bearer token, or by the API key that signed it.
 * It remembers nonces, so one process has one of them. `now` gives ms since 1970.
 */
export function createAuthenticate(
  { jwt, apiKeys }: AuthSettings,
  now: () => number = Date.now,
): Authenticate {
  const tokens = jwt && new BearerTokens(jwt, now)
  const keys = apiKeys && new ApiKeys(apiKeys, now)
  return async (request) => {
    const { authorization } = request.headers
    const isSigned = ApiKeys.isSigned(request.headers)
    // Whichever were looked at first, the other could say something else.
    if (authorization !== undefined && isSigned) return unauthenticated('TWO_SENT')
    if (isSigned) return keys?.authenticate(request) ?? unauthenticated('NO_KEYS')
    if (authorization === undefined) return unauthenticated('NOTHING_SENT')
    return (await tokens?.authenticate(authorization)) ?? unauthenticated('NO_TOKENS')
  }
}
