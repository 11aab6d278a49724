// The words around what was found. Every figure in them comes from the run.

/** What the document tells of. Tables are whole, in Markdown. */
export interface Figures {
  readonly machine: string
  /** What else ran on it, in words. */
  readonly others: string
  readonly buyers: number
  /** Turns that a way has; in each at least so many rushes, for at least so many ms. */
  readonly turns: number
  readonly rushesMin: number
  readonly rushMsMin: number
  readonly clients: number
  readonly flows: number
  /** How long each flow lasts. */
  readonly seconds: number
  readonly rush: string
  readonly rushCost: string
  readonly hot: string
  readonly hotCost: string
  readonly spread: string
  /** Milliseconds until the last answer, of the way whose name begins so. */
  readonly wall: (name: string) => number
  /** The same, of the first rush after all others had their turn. */
  readonly rested: (name: string) => number
  /** Orders a second out of one account. */
  readonly perSecond: (name: string) => number
  /** Orders that Redis had accepted when it was killed, and those that reached the database. */
  readonly lost: { readonly acknowledged: number; readonly kept: number } | undefined
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

/** How many times as long the first takes as the second, warm and after a rest. */
function compared({ wall, rested }: Figures, slow: string, fast: string): string {
  const times = (of: (name: string) => number) => {
    const ratio = of(slow) / of(fast)
    return ratio.toFixed(ratio < 10 ? 2 : 0)
  }
  return `${times(wall)} | ${times(rested)}`
}

export function documentOf(of: Figures): string {
  return `# Money for one, and a thousand who want to buy

Written by \`npm run experiment:locks\`; every figure is of one run of it. Each way is a program in
a process of its own in front of the same Postgres (18, fsync on), each with a database of its own
there; what it answers is durable, but for 7. Each run is looked at before its time counts: orders
accepted must be what the money was for, paid for, and there.

${of.machine}. When it began, ${of.others}.

## A thousand at once

${whole(of.buyers)} orders at the same moment out of one account with money for one. All ways have
${of.turns} turns, one after the other, and in each at least ${of.rushesMin} such rushes, for
${of.rushMsMin} ms at least; medians of all of a way's. Each program has run for some seconds
before; the first rush of a turn, after all others had theirs, is told apart ("after a rest": caches
are cold). Over NATS a program asks over its one connection, over HTTP over 1,000.

${of.rush}

How many times as long the one takes as the other, until the last answer:

| | warm | after a rest |
| --- | ---: | ---: |
| row locks (2) / Onefill in process (9a) | ${compared(of, '2', '9a')} |
| row locks (2) / Onefill over NATS (9b) | ${compared(of, '2', '9b')} |
| row locks (2) / Onefill over HTTP (9c) | ${compared(of, '2', '9c')} |
| one statement / Onefill, both in process (8a, 9a) | ${compared(of, '8a', '9a')} |
| one statement / Onefill, both over NATS (8b, 9b) | ${compared(of, '8b', '9b')} |
| one statement in process / Onefill over NATS (8a, 9b) | ${compared(of, '8a', '9b')} |

![Until the last answer](locks-thousand.svg)

What an order cost Postgres (not Redis, not the program), accepted or not:

${of.rushCost}

## One hot account

${of.clients} clients, each one order after another, with money for all,
for ${of.seconds} s; medians of ${of.flows}.

${of.hot}

![Orders a second out of one account](locks-hot.svg)

What an order cost Postgres:

${of.hotCost}

## A thousand accounts

The same clients, in turn out of a thousand accounts: nobody waits for anybody, as in most shops.

${of.spread}
${lossOf(of.lost)}
## How to read this

* Program, Postgres, Redis, NATS and exchange share the cores of one machine; a database of its own
  would have more of both. The ways are compared with each other, not with a shop.
* 1 to 8a are asked by function calls in the program that talks to Postgres, as 9a is. 8b, 9b and 9c
  are asked by another program: what that takes is in their time, and it takes its share of the
  cores. So like is compared with like: 8a with 9a, 8b with 9b.
* 1 is wrong whenever two read before one writes. It is here because it is what is written first.
* 3a is what a version does without back-off: its retries are work for nothing.
* 4 is right and short. Where no account sees more than ${whole(of.perSecond('4'))} orders
  a second on such a machine, a plain database is enough: take it before anything else here. Its
  bounds are one commit an order and one row at a time.
* 8 is what makes a database fast here, ${whole(of.perSecond('8a'))} orders a second: many
  decisions, one commit. Onefill does the like: all that has come while one row of its journal is
  being committed is the next row.
* 6 adds round trips, and a lock that knows nothing of the transaction: a holder that takes longer
  than the lock lives goes on without it. That did not happen in these runs.
* 9c is what a person or a script uses: a request with its headers, a token that is verified and a
  response for each order cost more than the order.
* Onefill checks all of its risk rules, matches, keeps a ledger, and publishes a report of each
  order besides the answer; the others compare one number.
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
