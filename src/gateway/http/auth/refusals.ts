// Every way in which a caller is turned away: one sentence each, which says what to do.
//
// Whoever has proven nothing is told nothing that helps to guess: an unknown key and a wrong
// signature read the same, and what a token says is spoken of only once its signature was right.

import type { AuthRefusal } from '../principal.ts'

const TEXTS = {
  // nothing that could be checked
  NOTHING_SENT:
    'send a bearer token in the header authorization, or sign the request with an API key',
  TWO_SENT: 'send a bearer token or a signed request, not both',
  NO_TOKENS: 'bearer tokens are not taken here; sign the request with an API key',
  NO_KEYS: 'signed requests are not taken here; send a bearer token',
  NO_BEARER: 'the header authorization is not "Bearer" and a token; send it in this form',
  // tokens
  TOKEN_TOO_LONG: 'the token is longer than is taken; get one with fewer claims',
  TOKEN_INVALID: 'the token is not valid here; get a new one',
  TOKEN_EXPIRED: 'the token has expired; get a new one',
  TOKEN_TOO_EARLY: 'the token is not valid yet; wait, or have its issuer set the clock right',
  TOKEN_ENDLESS: 'the token does not say when it expires; get one with exp',
  TOKEN_ELSEWHERE: 'the token is of another issuer or for another audience; get one for here',
  // signed requests
  SIGNATURE_INCOMPLETE:
    'a signed request has onefill-key, onefill-time, onefill-nonce and onefill-signature, each ' +
    'once and well-formed; send all four',
  SIGNATURE_TIME: "onefill-time is too far from the exchange's time; set the clock and sign again",
  SIGNATURE_TOO_OLD: 'the request was signed before this process started; sign it again',
  SIGNATURE_INVALID:
    'the key or the signature is not right; check the id, the secret and what ' + 'was signed',
  NONCE_USED: 'onefill-nonce was used before; sign again with a new one',
  NONCES_FULL: 'too many requests were signed of late to tell repeats; sign again in a moment',
} as const

/** Known, but it may do nothing here. */
const FORBIDDEN_TEXTS = {
  NO_ACCOUNT: 'the token names no account; get one with the claim account',
  NO_SCOPE: 'the token names no scope; get one with trade, read or admin in the claim scopes',
} as const

export type Unknown = keyof typeof TEXTS
export type Forbidden = keyof typeof FORBIDDEN_TEXTS

const refusal = (code: AuthRefusal['code'], text: string): AuthRefusal =>
  Object.freeze({ kind: 'refused', code, text })

/** The refusal of a caller that is not known. */
export const unauthenticated = (why: Unknown): AuthRefusal => refusal('UNAUTHENTICATED', TEXTS[why])

/** The refusal of a caller that is known, and may do nothing. */
export const forbidden = (why: Forbidden): AuthRefusal => refusal('FORBIDDEN', FORBIDDEN_TEXTS[why])
