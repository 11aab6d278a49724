// Which market a database holds.

import { openStore } from '../persistence/store.ts'

/**
 * The market's name, which tells it from any other: made with the tables of its journal, here if
 * there are none yet. Throws a StoreProblem where the database cannot be used.
 */
export async function readMarket(url: string): Promise<string> {
  const store = await openStore(url)
  try {
    return (await store.lease()).market
  } finally {
    await store.close()
  }
}
