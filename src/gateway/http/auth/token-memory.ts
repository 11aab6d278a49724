// Tokens whose signature was found right, so that it is not checked again for every request: that
// costs more than all else that a request over its limit costs us.
//
// What is remembered gives the verdict that a new check would give: the key and the settings do not
// change while the process runs, and the times in the token are looked at every time.

import { hash } from 'node:crypto'
import type { JWTPayload } from 'jose'

/** One more: all are forgotten, and checked again when they come again. */
export const TOKENS_MAX = 10_000

export class TokenMemory {
  private readonly payloads = new Map<string, JWTPayload>()
  private readonly toleranceS: number

  /** `toleranceS`: by how many seconds the issuer's clock may differ from ours. */
  constructor(toleranceS: number) {
    this.toleranceS = toleranceS
  }

  get size(): number {
    return this.payloads.size
  }

  /** Remembers what a token says that has just been found good. */
  remember(token: string, payload: JWTPayload): void {
    if (this.payloads.size >= TOKENS_MAX) this.payloads.clear()
    this.payloads.set(keyOf(token), payload)
  }

  /** What it says, if it was found good and still is at that time; else it is to be checked. */
  recall(token: string, nowMs: number): JWTPayload | undefined {
    const key = keyOf(token)
    const payload = this.payloads.get(key)
    if (payload === undefined) return undefined
    const { exp = 0, nbf = 0 } = payload
    const nowS = Math.floor(nowMs / 1_000)
    const isGood = nbf <= nowS + this.toleranceS && exp > nowS - this.toleranceS
    if (isGood) return payload
    this.payloads.delete(key)
    return undefined
  }
}

/** Not the token itself: how long it takes to find one tells nothing about it then. */
const keyOf = (token: string): string => hash('sha256', token, 'base64')
