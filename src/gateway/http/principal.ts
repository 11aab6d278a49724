// Who asks over HTTP, and what HTTP needs of whoever knows: authentication and rate limits.

/** What a principal may do: send orders, look at its account, run the exchange. */
export type Scope = 'trade' | 'read' | 'admin'

/** Who a request was proven to come from. */
export interface Principal {
  readonly account: string
  readonly scopes: ReadonlySet<Scope>
  /** When what proved it expires, ms since 1970; a stream ends then. Without it: never. */
  readonly untilMs?: number
}

/** Why a request is not carried out: nobody knows who sent it, or it may not. */
export interface AuthRefusal {
  readonly kind: 'refused'
  readonly code: 'UNAUTHENTICATED' | 'FORBIDDEN'
  /** One sentence for whoever asked; it says nothing that helps to guess. */
  readonly text: string
}

/** A request as it came: names of headers in lower case, the body byte for byte. */
export interface SignedRequest {
  readonly method: string
  /** Path and query, as in the first line of the request. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

/** Says who sent a request. What it throws is a fault of ours, and is answered as one. */
export type Authenticate = (request: SignedRequest) => Promise<Principal | AuthRefusal>

/** Counts what an account asks; how long it has to wait if it is too much. Cancels never count. */
export type Throttle = (
  account: string,
  cost: number,
) => Promise<{ readonly retryAfterMs: number } | undefined>

/** What is counted; what is left out is never too much. */
export interface Throttles {
  /** New and replaced orders; a batch costs as many as it has. */
  readonly orders?: Throttle | undefined
  /** Requests of any kind but cancels. */
  readonly requests?: Throttle | undefined
}
