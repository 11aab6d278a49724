// One way in a process of its own, as a real program would be: what another leaves behind, as
// garbage or as code made slow, is not in its time. Told by its environment what it is, and by
// messages what to do.

import { Meter } from './cost.ts'
import { flow, type Run, rush } from './measure.ts'
import type { Way } from './way.ts'
import { type Servers, WAYS } from './ways.ts'

/** What a process is told at its start. */
export interface Start {
  readonly name: string
  readonly servers: Servers
  /** The server's own database and first process, to see what it does. */
  readonly postgres: { readonly url: string; readonly pid: number }
}

export type Answer = Run[] | { readonly failed: string }

export type Task =
  /** Rushes, one after the other, until so many ms have passed; at least one. */
  | { readonly kind: 'warmUp'; readonly buyers: number; readonly ms: number }
  /**
   * At least so many `times`, and for at least so many ms: quick ways have more, so that none is
   * measured in a blink. Metered: looking at the database's processes leaves the caches cold for
   * what follows.
   */
  | {
      readonly kind: 'rush'
      readonly buyers: number
      readonly times: number
      readonly ms: number
      readonly isMetered: boolean
    }
  | ({ readonly kind: 'flow' } & Parameters<typeof flow>[1])

/** Closing what may be gone already takes no longer, in ms. */
const CLOSE_MS_MAX = 10_000

// It is told to end by its parent alone: Ctrl+C reaches both.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
let way: Way | undefined
let meter: Meter | undefined
// However that came about, nobody asks any more: nothing of this may stay behind, so this comes
// before anything is started. What is half open ends with the process.
process.once('disconnect', async () => {
  setTimeout(() => process.exit(1), CLOSE_MS_MAX)
  await way?.close()
  await meter?.close()
  process.exit(0)
})
// It may have been told while the modules were loaded.
if (!process.connected) process.exit(1)

const { name, servers, postgres } = JSON.parse(process.env.LOCKS_PROGRAM ?? '') as Start
meter = await Meter.open(postgres.url, postgres.pid)
const opened = await (WAYS[name] as NonNullable<(typeof WAYS)[string]>)(servers)
way = opened

process.on('message', async (task: Task) => {
  // Whoever asked ends it all, in order.
  const answer: Answer = await perform(task).catch(({ stack }) => ({ failed: stack }))
  if (process.connected) process.send?.(answer)
})
process.send?.([] satisfies Answer)

async function perform(task: Task): Promise<Run[]> {
  const runs: Run[] = []
  switch (task.kind) {
    case 'warmUp':
      for (const startMs = performance.now(); ; ) {
        await rush(opened, undefined, task.buyers, 1)
        if (performance.now() - startMs >= task.ms) return runs
      }
    case 'rush':
      for (const startMs = performance.now(); ; ) {
        runs.push(await rush(opened, task.isMetered ? meter : undefined, task.buyers, 1))
        if (runs.length >= task.times && performance.now() - startMs >= task.ms) return runs
      }
    case 'flow':
      return [await flow(opened, task, meter)]
  }
}
