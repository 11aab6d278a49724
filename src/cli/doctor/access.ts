// Who may trade over HTTP: the file that says so can be used.

import { ConfigProblem, type Settings } from '../../config.ts'
import { readAccess } from '../access.ts'
import { type Finding, fail, ok } from './finding.ts'

const NAME = 'http auth'

/** Looks at the file, where one is named. */
export function checkAccess({ httpAuth }: Settings): Finding[] {
  if (httpAuth === 'off' || httpAuth === 'development') return []
  try {
    readAccess(httpAuth)
    return [ok(NAME, httpAuth)]
  } catch (error) {
    if (!(error instanceof ConfigProblem)) throw error
    const todo = 'look at --http-auth: docs/http-auth.md says what the file holds'
    return error.lines.map((line) => fail(NAME, line, todo))
  }
}
