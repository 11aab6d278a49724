// What a submission says, as a fingerprint: the same id with another content is refused.

import { CM, COMMAND_WORDS, CommandKind, type CommandLog } from '../../protocol/command-log.ts'

/**
 * A 30-bit fingerprint of all that a command says but its account and id, shifted left by one; the lowest bit says
 * "replace". Two contents that differ are taken for the same once in a billion: a wrongly reused id is
 * then called a duplicate rather than refused. Neither executes anything.
 */
export function contentOf(commands: CommandLog, at: number): number {
  const { i32 } = commands
  let hash = 0x2545f491 ^ i32[at + CM.kind]
  hash = mix(hash, i32[at + CM.symbol])
  hash = mix(hash, i32[at + CM.flags])
  for (let word = at + CM.orig; word < at + COMMAND_WORDS; word += 1) hash = mix(hash, i32[word])
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash ^= hash >>> 13
  return ((hash >>> 2) << 1) | (i32[at + CM.kind] === CommandKind.replace ? 1 : 0)
}

function mix(hash: number, word: number): number {
  return Math.imul((hash << 15) | (hash >>> 17), 5) + Math.imul(word, 0x1b873593)
}
