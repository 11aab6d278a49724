// The public face of `onefill/durable`: the exchange with its journal in Postgres, a standby, and
// snapshots.

export { DurableExchange } from './durable/durable-exchange.ts'
export { type Leader, readLeader } from './durable/leader.ts'
export type {
  DurableOptions,
  Progress,
  RecoveryReport,
} from './durable/options.ts'
export { Projector, type ProjectorOptions } from './durable/projector.ts'
export type { OnReports, TakeReports } from './durable/publication.ts'
export { type ReconcileOptions, type Reconciliation, reconcile } from './durable/reconcile.ts'
export { type Retention, type SnapshotTaken, takeSnapshot } from './durable/snapshots.ts'
export { Standby } from './durable/standby.ts'
export type { PublishedBefore, SaidMessage } from './persistence/said-table.ts'
export type { Reports } from './protocol/reports.ts'
