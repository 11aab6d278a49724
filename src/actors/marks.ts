// Records in the rings that are no command, message, event or report: where a round ends, and that
// a letter is waiting. Each kind of ring has its own record size; a mark uses the words that all
// have: i32 0 kind, 1 count, 2 and 3 spare; f64 2 seq, 3 round.

/** Kinds above those of commands, events and reports. */
export const Mark = {
  /** All of a round's records are before this one. `count` letters belong to the round. */
  round: 240,
  /** A letter is to be taken from the mail, and answered. */
  letter: 241,
  /** The messages before this one are a restored state's open orders. */
  load: 242,
  /** In a ring of reports: the words after the first two are a posting. */
  posting: 243,
} as const

/** The marks with which a consumer stops taking records. */
export const isStop = (kind: number): boolean => kind >= Mark.round && kind <= Mark.load

export const MK = { kind: 0, count: 1 } as const
export const MKF = { seq: 2, round: 3 } as const
