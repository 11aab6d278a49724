// Bearer tokens: JWTs of one issuer for one audience, that expire, and name an account and scopes.

import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { createLocalJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { isName } from '../../../protocol/command-schema.ts'
import type { AuthRefusal, Principal } from '../principal.ts'
import { isScope, type JwtSettings } from './auth-settings.ts'
import { forbidden, type Unknown, unauthenticated } from './refusals.ts'
import { TokenMemory } from './token-memory.ts'

/** Characters of a token. Longer: refused before anything of it is read. */
export const TOKEN_CHARS_MAX = 4_096

/** `Bearer`, in any case, one space, and three parts in base64url. */
const BEARER = /^bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i
const SCHEME_CHARS = 'bearer '.length

export class BearerTokens {
  private readonly settings: JwtSettings
  private readonly key: JWTVerifyGetKey
  private readonly now: () => number
  private readonly good: TokenMemory

  /** `now` gives ms since 1970. */
  constructor(settings: JwtSettings, now: () => number) {
    this.settings = settings
    this.key = keyOf(settings)
    this.now = now
    this.good = new TokenMemory(settings.clockToleranceS)
  }

  /** Who the header `authorization` speaks for. */
  async authenticate(authorization: string): Promise<Principal | AuthRefusal> {
    if (authorization.length > SCHEME_CHARS + TOKEN_CHARS_MAX) {
      return unauthenticated('TOKEN_TOO_LONG')
    }
    const [, token] = BEARER.exec(authorization) ?? []
    if (token === undefined) return unauthenticated('NO_BEARER')
    const nowMs = this.now()
    const known = this.good.recall(token, nowMs)
    if (known !== undefined) return principalOf(known, this.settings.clockToleranceS)
    if (!isCanonical(token)) return unauthenticated('TOKEN_INVALID')
    const { issuer, audience, algorithms, clockToleranceS } = this.settings
    try {
      const { payload } = await jwtVerify(token, this.key, {
        ...{ issuer, audience, clockTolerance: clockToleranceS, requiredClaims: ['exp'] },
        ...{ algorithms: [...algorithms], currentDate: new Date(this.now()) },
      })
      this.good.remember(token, payload)
      return principalOf(payload, clockToleranceS)
    } catch (error) {
      // Anything else is no verdict on the token.
      if (!(error instanceof errors.JOSEError)) throw error
      return unauthenticated(verdictOf(error))
    }
  }
}

/** Whether the last bits of its signature are nothing else in disguise: one token, one text. */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  return Buffer.from(signature, 'base64url').toString('base64url') === signature
}

/** The key that a token is checked with: never one that the token brings along. */
function keyOf({ key }: JwtSettings): JWTVerifyGetKey {
  if (key.kind === 'set') return createLocalJWKSet(key.set)
  const only: KeyObject =
    key.kind === 'secret' ? createSecretKey(Buffer.from(key.secret)) : createPublicKey(key.pem)
  return () => only
}

/** What is wrong; `jose` looks at claims only after the signature was right. */
function verdictOf(error: errors.JOSEError): Unknown {
  if (error instanceof errors.JWTExpired) return 'TOKEN_EXPIRED'
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'TOKEN_INVALID'
  switch (error.claim) {
    case 'iss':
    case 'aud':
      return 'TOKEN_ELSEWHERE'
    case 'nbf':
      return error.reason === 'check_failed' ? 'TOKEN_TOO_EARLY' : 'TOKEN_INVALID'
    case 'exp':
      return 'TOKEN_ENDLESS'
    default:
      return 'TOKEN_INVALID'
  }
}

/** Scopes that are not ours are left alone: an issuer may serve others too. */
function principalOf(
  { account, scopes, exp = 0 }: JWTPayload,
  clockToleranceS: number,
): Principal | AuthRefusal {
  if (!isName(account)) return forbidden('NO_ACCOUNT')
  const known = new Set(Array.isArray(scopes) ? scopes.filter(isScope) : [])
  if (known.size === 0) return forbidden('NO_SCOPE')
  // As long as a request with it would be let in.
  return { account, scopes: known, untilMs: (exp + clockToleranceS) * 1_000 }
}
