// npm run lobster -- --messages FILE --orderbook FILE --levels N
// Replays real order flow (LOBSTER files) through the whole engine and judges it by C1 to C4.
import { parseArgs } from 'node:util'
import { createExchange, restoreExchange } from '../src/index.ts'
import { judge } from './lobster/criteria.ts'
import { findRecording, recordingDirectory } from './lobster/locate.ts'
import { readRecording } from './lobster/reader.ts'
import { reportLines } from './lobster/report.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string' },
    orderbook: { type: 'string' },
    levels: { type: 'string', default: '5' },
  },
})
const levels = Number(values.levels)
const files =
  values.messages !== undefined && values.orderbook !== undefined
    ? { messages: values.messages, orderbook: values.orderbook }
    : findRecording(levels)

if ((values.messages === undefined) !== (values.orderbook === undefined))
  fail('--messages and --orderbook go together')
if (!Number.isSafeInteger(levels) || levels < 1) fail('--levels is a whole number above zero')
if (files === undefined) {
  fail(`no recording with ${levels} levels in ${recordingDirectory()} (ONEFILL_LOBSTER_DIR)`)
} else {
  const recording = readRecording(files.messages, files.orderbook, levels)
  console.error(`${recording.messages.length} messages from ${files.messages}`)
  const engine = { create: () => createExchange({}), restore: restoreExchange }
  const verdict = judge(recording, engine, (text) => console.error(text))
  console.log(reportLines(verdict).join('\n'))
  process.exitCode = verdict.criteria.every(({ pass }) => pass) ? 0 : 1
}

function fail(text: string): never {
  console.error(text)
  process.exit(2)
}
