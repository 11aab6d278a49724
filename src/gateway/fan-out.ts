// The exchange's reports to everybody who takes them: NATS, HTTP, lines.

import type { Reports } from '../protocol/reports.ts'

/** Takes reports out, valid until it returns; resolves when they are certain to arrive. */
export type TakeReports = (reports: Reports) => void | Promise<void>

/**
 * All takers as one, for `takeReports`: each is given the same reports at once, in this order, and
 * they count as published when all of them have taken them. What one throws goes on to the
 * exchange, after the others have been given theirs.
 */
export function fanOut(...takers: readonly TakeReports[]): (reports: Reports) => Promise<void> {
  return async (reports) => {
    await Promise.all(takers.map(async (take) => take(reports)))
  }
}
