// What can be wrong with the settings of authentication: a stable code, and all of it in lines.

import { Problem } from '../../../lib/problem.ts'

/** Stable names; programs look at these, people at the message. */
export type AuthProblemCode = 'AUTH_SETTINGS'

/** Settings that cannot be used, a line each in the message; secrets do not stand in it. */
export class AuthProblem extends Problem<AuthProblemCode> {
  override name = 'AuthProblem'
}
