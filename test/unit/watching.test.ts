// However long an exchange is away, one line says so, and one that it is back.

import { expect, test, vi } from 'vitest'
import { tellOutages } from '../../src/cli/client/watching.ts'
import { ClientProblem } from '../../src/client.ts'

/** What each question gets, in turn; the last one closes the client. */
async function saidOf(answers: readonly (true | ClientProblem['code'])[]): Promise<string[]> {
  const said: string[] = []
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.push(String(text))
    return true
  })
  const left = [...answers]
  const status = async () => {
    const answer = left.shift() ?? 'CLOSED'
    if (answer !== true) throw new ClientProblem(answer, 'no')
    return { status: 'leading', seq: 1 }
  }
  await tellOutages({ status }, 1).finally(() => spy.mockRestore())
  return said.map((text) => text.replace(/^onefill: the exchange is (away|back)\b.*\n$/, '$1'))
}

test.each([
  { answers: [true, true], said: [] },
  { answers: ['UNANSWERED', 'UNANSWERED', 'UNANSWERED', true, true], said: ['away', 'back'] },
  { answers: [true, 'UNANSWERED', true, 'UNANSWERED'], said: ['away', 'back', 'away'] },
  // Who may not ask hears at least that the server is there.
  { answers: ['NOT_PERMITTED', 'UNANSWERED', 'NOT_PERMITTED'], said: ['away', 'back'] },
] as const)('$answers: $said', async ({ answers, said }) => {
  expect(await saidOf(answers)).toEqual(said)
})
