// What the attacker is told, and what it says.

/** Stands in the request where each has a number of its own. */
export const NUMBER = '000000000'

/** What it is told. */
export type Order =
  | { readonly do: 'aim'; readonly port: number; readonly request: string; readonly size: number }
  | { readonly do: 'attack'; readonly rate: number }
  | { readonly do: 'rest' }

/** What it says when it rests again. */
export interface Tally {
  /** Requests that were due. */
  readonly due: number
  /** Of them, those that found every connection waiting for an answer, and were left out. */
  readonly heldBack: number
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Connections that were ended by the other side. */
  readonly cutOff: number
}
