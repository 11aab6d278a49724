// One way in a process of its own, as a real program would be: what another leaves behind, as
// garbage or as code made slow, is not in its time. Told by its environment what it is, and by
// messages what to do.

import { Meter } from './cost.ts'
import { flow, type Run, rush } from './measure.ts'
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
  /** Metered: looking at the database's processes leaves the caches cold for what follows. */
  | {
      readonly kind: 'rush'
      readonly buyers: number
      readonly times: number
      readonly isMetered: boolean
    }
  | ({ readonly kind: 'flow' } & Parameters<typeof flow>[1])

const { name, servers, postgres } = JSON.parse(process.env.LOCKS_PROGRAM ?? '') as Start
const meter = await Meter.open(postgres.url, postgres.pid)
const way = await (WAYS[name] as NonNullable<(typeof WAYS)[string]>)(servers)

process.on('message', async (task: Task) => {
  // Whoever asked ends it all, in order.
  const answer: Answer = await perform(task).catch(({ stack }) => ({ failed: stack }))
  process.send?.(answer)
})
// However that came about, nobody asks any more: nothing of this may stay behind.
process.once('disconnect', async () => {
  await way.close()
  await meter.close()
  process.exit(0)
})
process.send?.([] satisfies Answer)

async function perform(task: Task): Promise<Run[]> {
  const runs: Run[] = []
  switch (task.kind) {
    case 'warmUp':
      for (const startMs = performance.now(); ; ) {
        await rush(way, undefined, task.buyers, 1)
        if (performance.now() - startMs >= task.ms) return runs
      }
    case 'rush':
      for (let n = 0; n < task.times; n += 1) {
        runs.push(await rush(way, task.isMetered ? meter : undefined, task.buyers, 1))
      }
      return runs
    case 'flow':
      return [await flow(way, task, meter)]
  }
}
