// Requests signed with an API key: who has the secret, when it was signed, and that it is new.

import { createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import type { AuthRefusal, Principal, SignedRequest } from '../principal.ts'
import type { KeySettings } from './auth-settings.ts'
import { Nonces } from './nonces.ts'
import { unauthenticated } from './refusals.ts'
import { KEY_HEADERS, signatureOf } from './sign.ts'

const ID = /^[A-Za-z0-9_.-]{1,64}$/
const TIME = /^[1-9][0-9]{0,14}$/
const NONCE = /^[A-Za-z0-9_-]{16,64}$/
const SIGNATURE = /^[0-9a-f]{64}$/

interface Holder {
  readonly secret: KeyObject
  readonly principal: Principal
}

export class ApiKeys {
  private readonly holders = new Map<string, Holder>()
  /** What an unknown key is checked against, so that it takes as long as a known one. */
  private readonly decoy = createSecretKey(randomBytes(32))
  private readonly windowMs: number
  private readonly nonces: Nonces
  private readonly now: () => number
  /** Nonces of before are not known, so nothing that was signed before is taken. */
  private readonly startMs: number

  /** `now` gives ms since 1970. */
  constructor({ keys, windowMs, nonces }: KeySettings, now: () => number) {
    for (const { id, secret, account, scopes } of keys) {
      this.holders.set(id, {
        secret: createSecretKey(Buffer.from(secret)),
        principal: Object.freeze({ account, scopes: new Set(scopes) }),
      })
    }
    this.windowMs = windowMs
    // Signed a window ahead of our clock, it is taken until a window after: two in all.
    this.nonces = new Nonces(2 * windowMs + 1, nonces)
    this.now = now
    this.startMs = now()
  }

  /** Whether the request has any part of a signature. */
  static isSigned(headers: SignedRequest['headers']): boolean {
    return Object.values(KEY_HEADERS).some((name) => headers[name] !== undefined)
  }

  /** Who signed it; a nonce is spent only by who has the secret. */
  authenticate({ method, url, headers, body }: SignedRequest): Principal | AuthRefusal {
    const id = headers[KEY_HEADERS.key] ?? ''
    const time = headers[KEY_HEADERS.time] ?? ''
    const nonce = headers[KEY_HEADERS.nonce] ?? ''
    const signature = headers[KEY_HEADERS.signature] ?? ''
    const isWhole = ID.test(id) && TIME.test(time) && NONCE.test(nonce) && SIGNATURE.test(signature)
    if (!isWhole) return unauthenticated('SIGNATURE_INCOMPLETE')
    const nowMs = this.now()
    if (Math.abs(Number(time) - nowMs) > this.windowMs) return unauthenticated('SIGNATURE_TIME')
    if (Number(time) < this.startMs) return unauthenticated('SIGNATURE_TOO_OLD')
    const holder = this.holders.get(id)
    const expected = signatureOf({ method, url, time, nonce, body }, holder?.secret ?? this.decoy)
    const isRight = timingSafeEqual(expected, Buffer.from(signature, 'hex'))
    if (!isRight || holder === undefined) return unauthenticated('SIGNATURE_INVALID')
    const taken = this.nonces.take(id, nonce, nowMs)
    if (taken === 'taken') return holder.principal
    return unauthenticated(taken === 'used' ? 'NONCE_USED' : 'NONCES_FULL')
  }
}
