// `onefill journal export`: history as the commands that publishers sent.

import type { Directory } from '../protocol/directory.ts'
import { encodeCommand } from '../protocol/encode-command.ts'
import { learn } from '../protocol/learn.ts'
import { followHistory, roundsBehind } from './history.ts'
import { Inability, withStore } from './outcome.ts'
import { Output } from './output.ts'

/**
 * Writes the rounds from the one that holds seq `from` to the one that holds seq `to`, each with a
 * blank line behind it.
 */
export function exportJournal(
  url: () => string,
  { from, to = Number.POSITIVE_INFINITY }: { from: number; to?: number },
): Promise<number> {
  return withStore(url, async (store) => {
    // Only its names are of use: no command is run.
    const follower = await followHistory(store, from - 1)
    const names: Directory = follower.names
    try {
      const output = new Output('-')
      for await (const { firstSeq, commands } of roundsBehind(store, follower.end)) {
        if (firstSeq > to) break
        learn(names, commands)
        if (firstSeq + commands.count <= from) continue
        for (let number = 0; number < commands.count; number += 1) {
          output.add(JSON.stringify(encodeCommand(commands, number, names)))
        }
        output.add('')
        if (output.isFull) await output.flush()
      }
      await output.end()
      const { lastSeq } = (await store.lastRow()) ?? { lastSeq: 0 }
      if (from > Math.max(lastSeq, 1)) {
        throw new Inability(`there is no seq ${from} yet: the journal ends with seq ${lastSeq}.`)
      }
    } finally {
      await follower.close()
    }
  })
}
