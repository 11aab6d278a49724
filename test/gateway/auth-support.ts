// Principals and refusals as tests compare them, and requests to ask with.

import type { AuthRefusal, Principal, SignedRequest } from '../../src/gateway/http/principal.ts'

/** 2026-11-21, in ms: where the clocks of these tests begin. */
export const START_MS = 1_795_000_000_000

export const NOTHING = new Uint8Array()

/** A request with these headers, for balances unless it says otherwise. */
export const asking = (
  headers: SignedRequest['headers'],
  rest: Partial<SignedRequest> = {},
): SignedRequest => ({ method: 'GET', url: '/v1/accounts/alice', headers, body: NOTHING, ...rest })

/** `alice: read trade`, or `UNAUTHENTICATED: the sentence`. */
export function said(answer: Principal | AuthRefusal): string {
  if ('kind' in answer) return `${answer.code}: ${answer.text}`
  return `${answer.account}: ${[...answer.scopes].sort().join(' ')}`
}
