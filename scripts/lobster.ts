// npm run lobster -- --messages FILE --orderbook FILE --levels N [--nats]
// Replays real order flow (LOBSTER files) through the whole engine and judges it by C1 to C4; with
// --nats sends it through NATS into a running exchange and holds that against the plain replay.
import { Command } from 'commander'
import { wholeFrom } from '../src/cli/arguments.ts'
import { createExchange, restoreExchange } from '../src/index.ts'
import { judge } from './lobster/criteria.ts'
import { findRecording, recordingDirectory } from './lobster/locate.ts'
import { openStack } from './lobster/nats-stack.ts'
import { dayLines, dayOverNats } from './lobster/over-nats.ts'
import { type Recording, readRecording } from './lobster/reader.ts'
import { reportLines } from './lobster/report.ts'

const engine = { create: () => createExchange({}), restore: restoreExchange }
const program = new Command('npm run lobster --')
  .description('A real NASDAQ day through the whole engine, judged against its order book.')
  .option('--nats', 'through NATS into the exchange at NATS_URL or one of its own', false)
  .option('--levels <n>', 'of the recording', wholeFrom(1), 5)
  .option('--messages <file>', 'of a recording elsewhere; with --orderbook')
  .option('--orderbook <file>', 'of the same')
  .parse()
const values = program.opts<{
  messages?: string
  orderbook?: string
  levels: number
  nats: boolean
}>()
const { levels } = values
const files =
  values.messages !== undefined && values.orderbook !== undefined
    ? { messages: values.messages, orderbook: values.orderbook }
    : findRecording(levels)

if ((values.messages === undefined) !== (values.orderbook === undefined))
  fail('--messages and --orderbook go together')
if (files === undefined) {
  fail(`no recording with ${levels} levels in ${recordingDirectory()} (ONEFILL_LOBSTER_DIR)`)
} else {
  const recording = readRecording(files.messages, files.orderbook, levels)
  console.error(`${recording.messages.length} messages from ${files.messages}`)
  process.exitCode = (await (values.nats ? overNats(recording) : plain(recording))) ? 0 : 1
}

function plain(recording: Recording): boolean {
  const verdict = judge(recording, engine, (text) => console.error(text))
  console.log(reportLines(verdict).join('\n'))
  return verdict.criteria.every(({ pass }) => pass)
}

async function overNats(recording: Recording): Promise<boolean> {
  const stack = await openStack(process.env).catch((error: Error) => fail(error.message))
  try {
    const day = await dayOverNats(stack.connection, recording, engine, stack.isFresh)
    console.log(dayLines(day).join('\n'))
    const hash = stack.isFresh ? await stack.stateHash() : undefined
    const isSame = hash === undefined || hash === day.plain.stateHash
    if (hash !== undefined)
      console.log(`  state ${hash.slice(0, 16)}: ${isSame ? 'the same' : 'other'}`)
    return isSame && day.reportsOther.length === 0
  } finally {
    await stack.end()
  }
}

function fail(text: string): never {
  console.error(text)
  process.exit(2)
}
