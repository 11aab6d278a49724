// Random journals: commands of every kind, cut into rounds of any size, and what they come to
// inline.

import { Coverage } from './coverage.ts'
import { Generator } from './generator.ts'
import type { Json } from './markets.ts'
import { inline, type MakeCore, newExchange, restored } from './placements.ts'
import { Prng } from './prng.ts'

type Rounds = unknown[][]

export interface Journal {
  readonly seed: number
  readonly rounds: Rounds
  readonly submissionsRemembered: number
}

/** What an exchange made of a journal. */
export interface Outcome {
  /** By round: the answers as JSON text. */
  readonly answers: string[]
  /** By round, for some: postings as JSON text, and the state's hash. */
  readonly hashes: Map<number, string>
  readonly postings: string
}

const ROUND_SIZE_MAX = 10_000

/** At least so many commands of every kind, and queries, in rounds of 1 to `roundSizeMax`. */
export function randomJournal(seed: number, count: number, roundSizeMax = ROUND_SIZE_MAX): Journal {
  const random = new Prng(seed * 97 + 11)
  const generator = new Generator(seed)
  const { submissionsRemembered } = generator.profile
  const exchange = newExchange(inline, { submissionsRemembered })
  const commands: unknown[] = generator.setup()
  const play = (round: unknown[]) => {
    const reports = exchange.execute(round) as unknown as Json[]
    generator.observe(reports, (account, asset) => {
      const { balances } = exchange.balances(account)
      return balances.find((line) => line.asset === asset)?.available ?? '0'
    })
  }
  play(commands)
  while (commands.length < count) {
    const round = generator.round(random.int(1, 12))
    play(round)
    commands.push(...round)
    if (random.chance(0.02)) commands.push(query(random))
  }
  return { seed, rounds: cut(commands, random, roundSizeMax), submissionsRemembered }
}

function query(random: Prng): Json {
  const account = random.pick(['alice', 'bob', 'carol', 'mm-1', '$fees', '$external'])
  return random.pick<Json>([
    { cmd: 'balances', account },
    { cmd: 'orders', account },
    { cmd: 'book', symbol: random.pick(['NVDA', 'GOLD-E', 'MEME', 'X0']), depth: 5 },
  ])
}

/** Small rounds and large ones, as often. */
function cut(commands: readonly unknown[], random: Prng, sizeMax: number): Rounds {
  const rounds: Rounds = []
  for (let from = 0; from < commands.length; ) {
    const size = Math.ceil(sizeMax ** random.next())
    rounds.push(commands.slice(from, from + size))
    from += size
  }
  return rounds
}

/** Rounds one by one, with a look at postings and hashes; at `moves`, it goes on elsewhere. */
export function runJournal(
  make: MakeCore,
  { rounds, submissionsRemembered }: Journal,
  looks: ReadonlySet<number>,
  moves: ReadonlyMap<number, MakeCore> = new Map(),
): Outcome {
  let exchange = newExchange(make, { submissionsRemembered, postings: true })
  const answers: string[] = []
  const hashes = new Map<number, string>()
  let postings = ''
  for (const [number, round] of rounds.entries()) {
    answers.push(JSON.stringify(exchange.execute(round)))
    postings += JSON.stringify(exchange.postings())
    const move = moves.get(number)
    if (move !== undefined) exchange = restored(move, exchange.serialize(), { postings: true })
    if (looks.has(number)) hashes.set(number, exchange.stateHash())
  }
  exchange.check()
  return { answers, hashes, postings }
}

/** As many rounds under way as there can be; the answers of all, and the hash at the end. */
export function runPipelined(
  make: MakeCore,
  { rounds, submissionsRemembered }: Journal,
): { answers: string; hash: string } {
  const exchange = newExchange(make, { submissionsRemembered, postings: true })
  const answers: unknown[] = []
  for (const round of rounds) {
    for (const command of round) exchange.submit(command)
    answers.push(...exchange.start())
  }
  answers.push(...exchange.finish())
  return { answers: JSON.stringify(answers), hash: exchange.stateHash() }
}

/** What a journal has reached. */
export function coverageOf({ rounds }: Journal, { answers }: Outcome): Coverage {
  const coverage = new Coverage()
  for (const [number, round] of rounds.entries()) {
    const reports = JSON.parse(answers[number]) as Json[]
    coverage.round(
      round,
      reports.filter(({ query }) => query === undefined),
    )
  }
  return coverage
}

/** All answers as one text, as {@link runPipelined} gives them. */
export function joined({ answers }: Outcome): string {
  return `[${answers
    .map((text) => text.slice(1, -1))
    .filter((text) => text !== '')
    .join(',')}]`
}
