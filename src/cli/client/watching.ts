// Whoever follows an exchange is told in a line when it goes away, and when it is back.

import { setTimeout as delay } from 'node:timers/promises'
import { ClientProblem, type MarketClient } from '../../client.ts'
import { say } from '../outcome.ts'

/** How long after an answer it is asked again, and how long it may take to answer, in ms. */
const EVERY_MS = 1_000
const ANSWER_MS = 3_000

/** Whoever can be asked how the exchange is. */
type Asked = Pick<MarketClient, 'status'>

/** Says so on standard error until the client is closed; what is followed goes on by itself. */
export async function tellOutages(client: Asked, everyMs = EVERY_MS): Promise<void> {
  let wasThere = true
  for (;;) {
    const isThere = await answers(client)
    if (isThere === undefined) return
    if (isThere !== wasThere) say(isThere ? BACK : AWAY)
    wasThere = isThere
    // Nobody waits for this alone.
    await delay(everyMs, undefined, { ref: false })
  }
}

const AWAY = 'onefill: the exchange is away; this goes on when it is back.'
const BACK = 'onefill: the exchange is back.'

/** Undefined once the client is closed. */
async function answers(client: Asked): Promise<boolean | undefined> {
  try {
    await client.status({ deadlineMs: ANSWER_MS })
    return true
  } catch (error) {
    if (!(error instanceof ClientProblem)) throw error
    if (error.code === 'CLOSED') return undefined
    // Who may not ask hears at least whether the server is there.
    return error.code === 'NOT_PERMITTED'
  }
}
