// Tokens for an exchange of our own, over HTTP: its settings of who asks, and who signs for them.

import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'

const [ISSUER, AUDIENCE] = ['onefill-load', 'onefill']

export class TokenIssuer {
  private readonly secret = randomBytes(32).toString('base64url')

  /** What the exchange is told with `--http-auth`, for a file that only we may read. */
  get settings(): string {
    return JSON.stringify({ jwt: { issuer: ISSUER, audience: AUDIENCE, secret: this.secret } })
  }

  /** For an account, to trade and to look, for an hour. */
  token(account: string): Promise<string> {
    return new SignJWT({ account, scopes: ['trade', 'read'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('1h')
      .sign(Buffer.from(this.secret))
  }
}
