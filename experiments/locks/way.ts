// What is compared: ways to sell to whoever pays, when many pay at once out of one account.

/** What an order costs, in the smallest unit of money. */
export const PRICE = 100

/** What a way has counted since it was prepared. */
export interface Counts {
  /** Attempts beyond the first of an order. */
  retries: number
  /** Transactions that the database ended because they waited for each other. */
  deadlocks: number
}

export const newCounts = (): Counts => ({ retries: 0, deadlocks: 0 })

/** What is there when all is over. */
export interface Audit {
  /** Money left, over all accounts. */
  readonly available: number
  /** The least that an account has; below zero is an overdraft. */
  readonly least: number
  /** Orders that are there. */
  readonly orders: number
}

export interface Way {
  readonly counts: Counts
  /** Fresh accounts, numbered from 0, each with so much money. */
  prepare(accounts: number, money: number): Promise<void>
  /** An order for {@link PRICE}; whether it was accepted, which is durable when it resolves. */
  buy(account: number, id: string): Promise<boolean>
  audit(): Promise<Audit>
  close(): Promise<void>
}
