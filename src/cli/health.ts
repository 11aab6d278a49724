// What is known of the running process, for health over HTTP and status over NATS.

import { performance } from 'node:perf_hooks'
import type { RecoveryReport } from '../durable.ts'
import type { Health } from '../gateway/http/health.ts'

export type Phase = 'starting' | 'recovering' | 'standby' | 'leading' | 'stopping' | 'broken'

export class HealthBoard {
  phase: Phase = 'starting'
  /** The journal can be written. */
  isJournalReady = false
  /** Undefined: it runs without NATS. */
  isNatsThere: boolean | undefined
  /** NATS does not allow something; it is there and of no use. */
  isNatsDenied = false
  /** Rate limits that are to be shared are counted by this process alone; orders go on. */
  isLimitsAlone: () => boolean = () => false
  recovery: RecoveryReport | undefined
  /** The last command that is in, where it is known. */
  seq: () => number | undefined = () => undefined
  readonly version: string
  private readonly startMs = performance.now()

  constructor(version: string) {
    this.version = version
  }

  /** For /readyz. */
  health(): Health {
    const isLeading = this.phase === 'leading'
    const wanting = isLeading ? this.degraded() : []
    const isReady = isLeading && wanting.length === 0
    // Orders go on without it.
    const degraded = [...wanting, ...(isLeading && this.isLimitsAlone() ? ['limits'] : [])]
    const leading = degraded.length === 0 ? 'ready' : 'degraded'
    const status = this.phase === 'leading' ? leading : this.phase
    return { isReady, status, degraded, seq: this.seq() ?? null, ...this.about() }
  }

  /** For whoever asks over NATS. */
  about() {
    const { phase, recovery, isNatsThere } = this
    const journal = this.isJournalReady ? 'ready' : 'away'
    const nats = isNatsThere ? 'there' : 'away'
    return {
      phase,
      journal: phase === 'leading' ? journal : null,
      nats: isNatsThere === undefined ? 'off' : nats,
      recovery: recovery === undefined ? null : recoveryOf(recovery),
      version: this.version,
      uptimeMs: Math.round(performance.now() - this.startMs),
    }
  }

  private degraded(): string[] {
    const isNatsWrong = this.isNatsThere === false || this.isNatsDenied
    return [...(this.isJournalReady ? [] : ['journal']), ...(isNatsWrong ? ['nats'] : [])]
  }
}

const recoveryOf = ({ snapshotSeq, seq, ms, republished, term }: RecoveryReport) => ({
  ...{ snapshotSeq, seq, ms: Math.round(ms), republished, term },
})
