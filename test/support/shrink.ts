// Makes a failing list of rounds small: drops chunks of commands while the failure stays.

import { read } from '../model/intake.ts'
import { Names } from '../model/names.ts'

export type Rounds = unknown[][]

/** A command, its round, and the `seq` it had in the run that failed. */
type Item = { command: unknown; round: number; seq: number }

export function shrink(rounds: Rounds, fails: (rounds: Rounds) => boolean, tries = 4000): Rounds {
  let items = rounds.flatMap((commands, round) =>
    commands.map((command) => ({ command, round, seq: 0 })),
  )
  const seqs = seqsOf(items)
  items = items.map((item, i) => ({ ...item, seq: seqs[i] }))
  const attempt = (candidate: Item[]) => {
    if (tries-- <= 0 || !fails(roundsOf(candidate))) return false
    items = candidate
    return true
  }
  attempt(items.map((item, round) => ({ ...item, round })))
  for (let chunk = Math.ceil(items.length / 2); chunk >= 1; ) {
    let dropped = false
    for (let start = 0; start < items.length; ) {
      if (attempt([...items.slice(0, start), ...items.slice(start + chunk)])) dropped = true
      else start += chunk
    }
    if (tries <= 0) break
    if (chunk === 1 && !dropped) break
    chunk = chunk > 1 ? Math.ceil(chunk / 2) : 1
  }
  // A round of its own for every command that does not need to share one.
  for (let at = 1; at < items.length; at++) {
    if (items[at - 1].round !== items[at].round) continue
    attempt(items.map((item, i) => (i < at ? item : { ...item, round: item.round + 1 })))
  }
  return roundsOf(items)
}

/** The `seq` each command gets; 0 for one that is refused at intake. */
function seqsOf(items: Item[]): number[] {
  const names = new Names()
  let seq = 0
  return items.map(({ command }) => ('refused' in read(command, names) ? 0 : ++seq))
}

/** The rounds, with every `orderId` naming the command it named in the run that failed. */
function roundsOf(items: Item[]): Rounds {
  const seqs = seqsOf(items)
  const moved = new Map(items.map((item, i) => [String(item.seq), String(seqs[i])]))
  const rounds = new Map<number, unknown[]>()
  for (const { command, round } of items) {
    const commands = rounds.get(round) ?? []
    rounds.set(round, commands)
    const orderId = moved.get((command as { orderId?: string } | null)?.orderId as string)
    commands.push(orderId === undefined ? command : { ...(command as object), orderId })
  }
  return [...rounds.values()]
}
