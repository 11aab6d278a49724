// The words around what was found. Every figure in them comes from the run.

/** What the document tells of. Tables are whole, in Markdown. */
export interface Figures {
  readonly machine: string
  readonly buyers: number
  readonly clients: number
  readonly rounds: number
  readonly rush: string
  readonly hot: string
  readonly cost: string
  readonly spread: string
  /** How many times as long row locks take until the last of the buyers is answered. */
  readonly rowLocksOfInProcess: number
  readonly rowLocksOfNats: number
  /** How many times as long Onefill over NATS takes as one statement for all that wait. */
  readonly natsOfBatch: number
  /** Orders a second out of one account. */
  readonly conditional: number
  readonly batch: number
  /** Orders that Redis had accepted when it was killed, and those that reached the database. */
  readonly lost: { readonly acknowledged: number; readonly kept: number } | undefined
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

export function documentOf(of: Figures): string {
  return `# Money for one, and a thousand who want to buy

Written by \`npm run experiment:locks\`; every figure is of one run of it. Each way is a program in
front of the same Postgres (18, fsync on); what it answers is durable, but for 7. Each run is looked
at before its time counts: orders accepted must be what the money was for, paid for, and there.

${of.machine}

## A thousand at once

${whole(of.buyers)} orders at the same moment out of one account with money for one. Medians of
${of.rounds} rounds, all ways in each.

${of.rush}

Until the last answer, row locks (2) take ${of.rowLocksOfInProcess.toFixed(1)} times as long as
Onefill in process and ${of.rowLocksOfNats.toFixed(1)} times as long as Onefill over NATS. One
statement for all that wait (8), called in the same process, takes
${(1 / of.natsOfBatch).toFixed(2)} of Onefill's time over NATS.

![Until the last answer](locks-thousand.svg)

## One hot account

${of.clients} clients, each one order after another, with money for all.

${of.hot}

![Orders a second out of one account](locks-hot.svg)

What an order cost Postgres (not Redis, not the program):

${of.cost}

## A thousand accounts

The same clients, in turn out of a thousand accounts: nobody waits for anybody, as in most shops.

${of.spread}
${lossOf(of.lost)}
## How to read this

* Program, Postgres, Redis, NATS and exchange share the cores of one machine; a database of its own
  would have more of both. The ways are compared with each other, not with a shop.
* 1 is wrong whenever two read before one writes. It is here because it is what is written first.
* 3a is what a version does without back-off: its retries are work for nothing.
* 4 is right and short. Where no account sees more than ${whole(of.conditional)} orders a second on
  such a machine, a plain database is enough: take it before anything else here. Its bounds are one
  commit an order and one row at a time.
* 8 is what makes a database fast here, ${whole(of.batch)} orders a second: many decisions, one
  commit. Onefill does the like: all that has come while one row of its journal is being committed
  is the next row.
* 6 adds round trips, and a lock that knows nothing of the transaction: a holder that takes longer
  than the lock lives goes on without it. That did not happen in these runs.
* Onefill checks all of its risk rules, matches, and keeps a ledger; the others compare one number.
`
}

function lossOf(lost: Figures['lost']): string {
  if (lost === undefined) return ''
  const { acknowledged, kept } = lost
  return `
## What 7 loses

Redis, as it is configured when nobody configures it, was killed in the middle of such a flow: of
${whole(acknowledged)} orders that had been accepted, ${whole(acknowledged - kept)} never reached
the database, and the money they had taken was there again. A log written every second loses less,
and only when the machine goes; a log written for each order makes it as slow as a commit.
`
}
