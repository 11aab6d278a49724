// The exchange's reports to everybody who takes them: NATS, HTTP, lines.

import type { Report } from '../protocol/report-json.ts'

/** Takes reports out; resolves when they are certain to arrive. */
export type TakeReports = (reports: readonly Report[]) => void | Promise<void>

/**
 * All takers as one, for `onReports`: each is given the same reports at once, in this order, and
 * they count as published when all of them have taken them. What one throws goes on to the
 * exchange, after the others have been given theirs.
 */
export function fanOut(...takers: readonly TakeReports[]): (reports: Report[]) => Promise<void> {
  return async (reports) => {
    await Promise.all(takers.map(async (take) => take(reports)))
  }
}
