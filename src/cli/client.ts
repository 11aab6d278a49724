// The commands that are clients of a running exchange, over NATS.

import type { Command } from 'commander'
import { registerAdmin } from './client/admin.ts'
import { registerLooking } from './client/looking.ts'
import { registerTrading } from './client/trading.ts'

/** Adds the commands. */
export function registerClient(program: Command): void {
  registerTrading(program)
  registerLooking(program)
  registerAdmin(program)
}
