// Journals as the tests of persistence have them: decoded rounds, rows, and the state they come to.

import { createHash } from 'node:crypto'
import { Engine } from '../../src/engine/engine.ts'
import { writeState } from '../../src/engine/state.ts'
import { GENESIS, type Row, RowBuilder, readRounds } from '../../src/persistence/row.ts'
import { COMMAND_WORDS, CommandLog, type Definition } from '../../src/protocol/command-log.ts'
import { decode } from '../../src/protocol/decode.ts'
import { Directory } from '../../src/protocol/directory.ts'

/** Wire commands by round as decoded logs, stamped; what is refused at intake is left out. */
export function decodeRounds(rounds: readonly (readonly unknown[])[]): CommandLog[] {
  const names = new Directory()
  let seq = 0
  return rounds.map((round) => {
    const log = new CommandLog(1)
    for (const command of round) decode(command, names, log)
    log.stamp(seq + 1)
    seq += log.count
    return log
  })
}

/** Rows of up to `roundsPerRow` rounds each. */
export function rowsOf(logs: readonly CommandLog[], roundsPerRow: number): Row[] {
  const builder = new RowBuilder()
  const rows: Row[] = []
  let seq = 1
  for (const [number, log] of logs.entries()) {
    builder.add(number + 1, seq, log)
    seq += log.count
    if (builder.rounds < roundsPerRow && number < logs.length - 1) continue
    const term = 1 + (rows.length >> 1)
    rows.push(builder.seal(rows.at(-1) ?? GENESIS, term, 1_767_362_400_000 + rows.length * 7))
  }
  return rows
}

/** What a log holds, for exact comparison: its words, and its definitions as they would be sent. */
export function contentOf(log: CommandLog): { words: number[]; definitions: Definition[] } {
  const words = [...log.i32.subarray(0, log.count * COMMAND_WORDS)]
  return { words, definitions: [...log.definitions] }
}

/** SHA-256 over the sections of a state. */
export function hashOf(engine: Engine): string {
  const hash = createHash('sha256')
  for (const section of writeState(engine)) hash.update(section)
  return hash.digest('hex')
}

/** The state after these rounds, as a hash. */
export function replayLogs(logs: readonly CommandLog[], submissionsRemembered?: number): string {
  const engine = new Engine(submissionsRemembered === undefined ? {} : { submissionsRemembered })
  for (const log of logs) engine.round(log)
  return hashOf(engine)
}

/** As {@link replayLogs}, of rows. */
export function replayRows(rows: readonly Row[], submissionsRemembered?: number): string {
  const engine = new Engine(submissionsRemembered === undefined ? {} : { submissionsRemembered })
  for (const row of rows) for (const { commands } of readRounds(row)) engine.round(commands)
  return hashOf(engine)
}

const NVDA = { symbol: 'NVDA', base: 'NVDA', quote: 'USD', tickSize: '0.01', lotSize: '1' }
const order = (account: string, clOrdId: string, side: string, price: string, orderQty = '5') => ({
  ...{ cmd: 'new', account, clOrdId, symbol: 'NVDA', side },
  ...{ ordType: 'limit', price, orderQty },
})
const money = (cmd: string, account: string, asset: string, amount: string, more = {}) => ({
  ...{ cmd, account, asset, amount, transferId: `${cmd}-${account}-${asset}` },
  ...more,
})

const { price: _price, ...MARKET } = { ...order('alice', 'a3', 'buy', '1'), ordType: 'market' }

/** A short day with every kind of command, queries and a refusal; by rounds, one of them empty. */
export const SMALL_DAY: readonly (readonly unknown[])[] = [
  [
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'asset', asset: 'NVDA', decimals: 0 },
    { cmd: 'instrument', ...NVDA, makerFeeRate: '-0.0001', takerFeeRate: '0.0003' },
    { cmd: 'account', account: 'alice' },
    { cmd: 'account', account: 'bob' },
    { cmd: 'time', now: '2026-01-02T14:30:00.000Z' },
  ],
  [money('deposit', 'alice', 'USD', '90071992547409.91'), money('deposit', 'bob', 'NVDA', '1000')],
  [],
  [
    money('transfer', 'alice', 'USD', '250.75', { to: 'bob' }),
    { cmd: 'limits', priceDeviation: 'off', maxOpenOrders: null, tradingHours: '09:00-17:30' },
    { cmd: 'limits', account: 'bob', symbol: 'NVDA', maxOrderQty: '500.5', reduceOnly: false },
  ],
  [
    order('alice', 'a', 'buy', '167.5'),
    order('bob', '!~'.repeat(18), 'sell', '167.5', '3'),
    { ...order('bob', 'b2', 'sell', '170'), selfTradePrevention: 'decrement', postOnly: true },
    { ...order('alice', 'a2', 'buy', '0.01', '1'), timeInForce: 'FOK', reduceOnly: true },
    money('withdraw', 'bob', 'USD', '0.25'),
  ],
  [
    { ...order('alice', 'a4', 'buy', '166', '7'), cmd: 'replace', origClOrdId: 'a' },
    { ...order('bob', 'b3', 'sell', '171', '9'), cmd: 'replace', orderId: '9007199254740991' },
    { cmd: 'cancel', account: 'bob', symbol: 'NVDA', origClOrdId: 'b2' },
    { cmd: 'cancel', account: 'bob', symbol: 'NVDA', orderId: '1' },
    MARKET,
    { cmd: 'orders', account: 'alice' },
    { cmd: 'nothing' },
  ].map((command) => withoutOrderFields(command)),
  [
    { cmd: 'halt', symbol: 'NVDA' },
    { cmd: 'resume', symbol: 'NVDA' },
    { cmd: 'suspend', account: 'bob' },
    { cmd: 'activate', account: 'bob' },
    order('bob', 'b5', 'sell', '169.99'),
    { cmd: 'massCancel', account: 'alice', symbol: 'NVDA', side: 'sell' },
    { cmd: 'massCancel', account: 'alice' },
    { cmd: 'killSwitch', account: 'alice', on: true, cancelAll: true },
    { cmd: 'killSwitch', on: false },
  ],
  [order('bob', 'b6', 'sell', '168.01', '11'), { cmd: 'book', symbol: 'NVDA' }],
]

/** A replace says neither side nor type. */
function withoutOrderFields(command: Record<string, unknown>): unknown {
  if (command.cmd !== 'replace') return command
  const { side: _side, ordType: _type, ...rest } = command
  return rest
}
