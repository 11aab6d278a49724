// The public face of `onefill/durable`: the exchange with its journal in Postgres, a standby, and
// snapshots.

export {
  DurableExchange,
  type DurableOptions,
  type RecoveryReport,
} from './durable/durable-exchange.ts'
export type { OnReports } from './durable/publication.ts'
export { type Retention, type SnapshotTaken, takeSnapshot } from './durable/snapshots.ts'
export { Standby } from './durable/standby.ts'
