// How a request is signed with an API key: what is signed, and the headers that carry it. Clients
// and the gateway share this file, so it stands on Node alone.

import { createHmac, hash, type KeyObject, randomBytes } from 'node:crypto'

/** The key's id, the time in ms since 1970, the nonce, and the signature in lower-case hex. */
export const KEY_HEADERS = {
  key: 'onefill-key',
  time: 'onefill-time',
  nonce: 'onefill-nonce',
  signature: 'onefill-signature',
} as const

/** What a client signs: all of the request that says what it does. */
export interface RequestToSign {
  /** `POST`; in capitals. */
  readonly method: string
  /** The path with its query, as it is sent: `/v1/orders?symbol=NVDA`; no host. */
  readonly url: string
  /** The bytes that are sent, or their text; none for a request without a body. */
  readonly body?: Uint8Array | string
}

/** The key that signs, and what a test may want to choose. */
export interface Signer {
  readonly id: string
  readonly secret: string
  /** ms since 1970; now, unless given. */
  readonly time?: number
  /** 16 to 64 of A-Z, a-z, 0-9, - and _, never used before; random, unless given. */
  readonly nonce?: string
}

/**
 * The headers that sign a request; they are good for one use, within the exchange's window (30
 * seconds, unless configured) around its clock. The same again is signed again.
 */
export function signRequest(request: RequestToSign, signer: Signer): Record<string, string> {
  const time = String(signer.time ?? Date.now())
  const nonce = signer.nonce ?? randomBytes(16).toString('base64url')
  const signature = signatureOf({ ...request, time, nonce }, signer.secret).toString('hex')
  return {
    [KEY_HEADERS.key]: signer.id,
    [KEY_HEADERS.time]: time,
    [KEY_HEADERS.nonce]: nonce,
    [KEY_HEADERS.signature]: signature,
  }
}

/** The HMAC-SHA256 of a request with its time and nonce: 32 bytes. */
export function signatureOf(
  request: RequestToSign & { readonly time: string; readonly nonce: string },
  secret: string | KeyObject,
): Buffer {
  const { method, url, time, nonce, body = '' } = request
  // One part a line; none of them can hold a line's end. The first line keeps the signature from
  // meaning anything elsewhere.
  const signed = ['onefill-hmac-sha256', method, url, time, nonce, hash('sha256', body)].join('\n')
  return createHmac('sha256', secret).update(signed).digest()
}
