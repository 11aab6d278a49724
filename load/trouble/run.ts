// `npm run load:trouble -- SCENARIO [options]`: an exchange of its own, under load, meets trouble.
// What does not hold ends it with exit code 1.

import { Command, InvalidArgumentError } from 'commander'
import { passes, type Report, render } from '../../bench/report.ts'
import { k6Aborted } from './aborted.ts'
import { attackOverHttp } from './attack-http.ts'
import { attackOverNats } from './attack-nats.ts'
import { connectionsTaken } from './connections.ts'
import { redisKilled } from './redis.ts'

const whole = (text: string): number => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new InvalidArgumentError('It is a whole number from 1.')
}
const program = new Command('npm run load:trouble --').description(
  'An exchange of its own, under load, meets trouble. docs/load.md says what each proves.',
)

const attack = (name: string, what: string) =>
  program
    .command(name)
    .description(what)
    .option('--account-rate <n>', 'what an account may send in a second', whole, 20)
    .option('--times <n>', 'so many times that sends the attacker', whole, 100)
    .option('--rate <n>', 'orders a second of all others', whole, 100)
    .option('--phases <n>', 'quiet and attacked, so many each', whole, 7)
    .option('--seconds <n>', 'of a phase', whole, 5)

attack('attack', "one account at 100 times its rate over HTTP: the others' p99 at most doubles")
  .option('--connections <n>', 'of the attacker', whole, 64)
  .action((options) => tell(attackOverHttp(options)))

attack('attack-nats', "the same over NATS, by the engine's maxOrdersPerSecond").action((options) =>
  tell(attackOverNats(options)),
)

program
  .command('redis')
  .description('Redis is killed and started again: nothing lost or doubled, limits go on')
  .option('--rate <n>', 'orders a second', whole, 100)
  .option('--account-rate <n>', 'what an account may send in a second', whole, 100)
  .option('--seconds <n>', 'of each of three parts', whole, 6)
  .action((options) => tell(redisKilled(options)))

program
  .command('connections')
  .description('others take every connection of Postgres: nothing lost, and it goes on by itself')
  .option('--rate <n>', 'orders a second', whole, 100)
  .option('--seconds <n>', 'of each of four parts', whole, 5)
  .action((options) => tell(connectionsTaken(options)))

program
  .command('aborted')
  .description('k6 is killed half-way, again and again: nothing lost, nothing left behind')
  .option('--times <n>', 'each script by each signal', whole, 3)
  .action((options) => tell(k6Aborted(options)))

await program.parseAsync()

async function tell(work: Promise<Report>): Promise<void> {
  try {
    const report = await work
    console.log(render(report))
    if (!report.demands.every(passes)) process.exitCode = 1
  } catch (error) {
    console.error(`load:trouble: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
