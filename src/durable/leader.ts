// Which market a database holds, and who leads it.

import { openStore } from '../persistence/store.ts'

/** As the lease says it; `holder` is empty if nobody has it. */
export type Leader = { readonly market: string; readonly holder: string }

/** Makes the tables if there are none yet. Throws a StoreProblem; nothing else is changed. */
export async function readLeader(url: string): Promise<Leader> {
  const store = await openStore(url)
  try {
    const { market, holder } = await store.lease()
    return { market, holder }
  } finally {
    await store.close()
  }
}
