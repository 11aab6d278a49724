// What can be wrong with NATS on our side: a stable code and one sentence for people.

import { Problem } from '../lib/problem.ts'

/** Stable names; programs look at these, people at the message. */
export type NatsProblemCode = 'NATS_MISSING' | 'NATS_FAILED'

/** Something NATS cannot do here, and why; never a bug of the caller (that is a fault). */
export class NatsProblem extends Problem<NatsProblemCode> {
  override name = 'NatsProblem'
}
