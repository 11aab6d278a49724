// Every bound of the protocol and the engine, and what happens when it is reached.

/** Largest integer that a price, quantity, amount or product may have. Beyond: OVERFLOW. */
export const INTEGER_MAX = Number.MAX_SAFE_INTEGER

/** Characters of a name or a client id. Longer: MALFORMED. */
export const ID_CHARS_MAX = 36

/** Characters of a decimal string. Longer: MALFORMED. */
export const DECIMAL_CHARS_MAX = 40

/** Decimals of an asset. More: MALFORMED. */
export const ASSET_DECIMALS_MAX = 12

/** Assets, instruments and accounts that can be defined. One more: LIMIT_REACHED. */
export const ASSETS_MAX = 65_536
export const SYMBOLS_MAX = 1_048_575
export const ACCOUNTS_MAX = 33_554_431

/**
 * Open orders, and positions and balances, that an exchange holds. One more: the order or transfer
 * is refused with LIMIT_REACHED. Handles in lib/id-map.ts have 25 bits.
 */
export const ORDERS_OPEN_MAX = 30_000_000
export const POSITIONS_MAX = 30_000_000
export const BALANCES_MAX = 30_000_000

/** Transfers that are remembered, which is all. One more: LIMIT_REACHED. */
export const TRANSFERS_MAX = 100_000_000

/**
 * Commands in one round, refusals at intake and queries included. `Exchange.execute` cuts the round
 * there; `submit` does not take in one more.
 */
export const COMMANDS_PER_ROUND_MAX = 65_536

/** Levels that one book query may ask for. More: MALFORMED. */
export const BOOK_DEPTH_MAX = 1_000

/** Window of the duplicate-order rule, in milliseconds. Longer: MALFORMED. */
export const DUPLICATE_WINDOW_MS_MAX = 60_000

/**
 * Commands for which a closed submission is remembered, unless configured. Older ids can be used
 * anew.
 */
export const SUBMISSIONS_REMEMBERED = 1_048_576
