// What a submission says, as a fingerprint: the same id with another content is refused.

import type { CommandLog } from '../../protocol/command-log.ts'
import * as commandLog from '../../protocol/command-log.ts'
import { hashId, hashKey } from './id-hash.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { CM, CMF, CommandKind } = commandLog

/** Fingerprints are part of the state: their key is always the same. */
const CONTENT_KEY = hashKey(1)

/**
 * A 30-bit fingerprint of all that a command says but its account and id, shifted left by one; the
 * lowest bit says "replace". Two contents that differ are taken for the same once in a billion: a
 * wrongly reused id is then called a duplicate rather than refused. Neither executes anything.
 */
export function contentOf(commands: CommandLog, at: number): number {
  const { i32 } = commands
  const isReplace = i32[at + CM.kind] === CommandKind.replace
  let hash =
    Math.imul(i32[at + CM.kind], 0x9e3779b1) +
    Math.imul(i32[at + CM.symbol], 0x85ebca77) +
    Math.imul(i32[at + CM.flags], 0xc2b2ae3d) +
    hashDoubles(i32, at + 2 * CMF.priceTicks)
  // Only a replace names another order, by id or by client id.
  if (isReplace) {
    const low = 2 * CMF.orderId
    const orderId = Math.imul(i32[at + low], 0x9e3779b1) + Math.imul(i32[at + low + 1], 0x85ebca77)
    hash = Math.imul(hash, 3) + hashId(orderId, i32, at + CM.orig, CONTENT_KEY)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash ^= hash >>> 13
  return ((hash >>> 2) << 1) | (isReplace ? 1 : 0)
}

/** Over the four words of priceTicks (or amount) and qtyLots. */
function hashDoubles(i32: Int32Array, at: number): number {
  return (
    Math.imul(i32[at] ^ (i32[at] >>> 15), 0x27d4eb2f) +
    Math.imul(i32[at + 1] ^ (i32[at + 1] >>> 15), 0x165667b1) +
    Math.imul(i32[at + 2] ^ (i32[at + 2] >>> 15), 0x1b873593) +
    Math.imul(i32[at + 3] ^ (i32[at + 3] >>> 15), 0xcc9e2d51)
  )
}
