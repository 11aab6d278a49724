// Development mode: a secret made at start, and tokens that are ready to use until the process
// ends.

import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { assert } from '../../../lib/assert.ts'
import { isName } from '../../../protocol/command-schema.ts'
import type { Scope } from '../principal.ts'
import type { AuthSettings } from './auth-settings.ts'

const ISSUER = 'onefill-development'
const AUDIENCE = 'onefill'
/** How long a token lasts; with the process its secret goes anyway. */
const TOKEN_HOURS = 24

export interface DevelopmentAuth {
  /** For `createAuthenticate`; nobody else knows the secret. */
  readonly settings: AuthSettings
  /** A token for an account, with these scopes (trade and read), good for a day. */
  token(account: string, scopes?: readonly Scope[]): Promise<string>
}

/** A new secret, and what makes tokens with it; `now` gives ms since 1970. */
export function developmentAuth(now: () => number = Date.now): DevelopmentAuth {
  const secret = randomBytes(32).toString('base64url')
  return {
    settings: {
      jwt: {
        ...{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['HS256'], clockToleranceS: 0 },
        key: { kind: 'secret', secret },
      },
    },
    token(account, scopes = ['trade', 'read']) {
      assert(isName(account), 'a token is for an account')
      const issuedS = Math.floor(now() / 1000)
      return new SignJWT({ account, scopes })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt(issuedS)
        .setExpirationTime(issuedS + TOKEN_HOURS * 3600)
        .sign(Buffer.from(secret))
    },
  }
}
