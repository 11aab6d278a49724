// Who asks over HTTP: what the routes know of it, and through which functions they learn it.

/** What a caller may do: trade in its account, read it, or run the exchange. */
export type Scope = 'trade' | 'read' | 'admin'

/** Who a request comes from: the account it may act for, and what it may do there. */
export interface Principal {
  readonly account: string
  readonly scopes: ReadonlySet<Scope>
}

/** What of a request says who sent it; header names are lower case, the URL is as it was sent. */
export interface SignedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

/** Why a caller is turned away: it is not known, or it is and may not; and what to do. */
export interface AuthRefusal {
  readonly kind: 'refused'
  readonly code: 'UNAUTHENTICATED' | 'FORBIDDEN'
  readonly text: string
}

/** Tells who sent a request, or why nobody is told; never throws for what a caller sent. */
export type Authenticate = (request: SignedRequest) => Promise<Principal | AuthRefusal>

/**
 * Takes `cost` from what the account may still do; undefined: go on. Else nothing was taken, and it
 * says after how many ms the same may pass.
 */
export type Throttle = (
  account: string,
  cost: number,
) => Promise<{ readonly retryAfterMs: number } | undefined>
