// docs/journal-format.md tells the truth: its example is what is written, its table what is read.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FIELDS, Field } from '../../src/persistence/command-form.ts'
import {
  checkRow,
  GENESIS,
  PAYLOAD_BYTES_MAX,
  type Row,
  RowBuilder,
  readRounds,
} from '../../src/persistence/row.ts'
import { packId } from '../../src/protocol/client-id.ts'
import { CM, CMF, COMMAND_NAMES, CommandKind, CommandLog } from '../../src/protocol/command-log.ts'
import { orderFlags, Side } from '../../src/protocol/order-flags.ts'

const doc = readFileSync(join(import.meta.dirname, '../../docs/journal-format.md'), 'utf8')

/** The bytes of a part of the example. */
function bytesOf(part: string): Buffer {
  const [, example] = doc.split('## Example')
  const lines = example
    .split('\n')
    .filter((line) => /^ {4}[a-z ]{10}([0-9a-f]{2} )/.test(`${line} `))
  let current = ''
  const hex = lines.flatMap((line) => {
    current = line.slice(4, 14).trim() || current
    const [bytes] = /^([0-9a-f]{2}( |$))+/.exec(line.slice(14)) ?? ['']
    return current === part ? [bytes.replaceAll(' ', '')] : []
  })
  return Buffer.from(hex.join(''), 'hex')
}

test('the example is what is written', () => {
  const log = new CommandLog()
  const order = log.add(CommandKind.new, 3, 1, orderFlags({ side: Side.sell }))
  packId('order-1', log.i32, order + CM.id)
  log.f64[(order >> 1) + CMF.priceTicks] = 16_752
  log.f64[(order >> 1) + CMF.qtyLots] = 5
  const cancel = log.add(CommandKind.cancel, 3, 1, 0)
  log.f64[(cancel >> 1) + CMF.orderId] = 300
  const builder = new RowBuilder()
  builder.add(1, 1, log)
  const row = builder.seal(GENESIS, 1, 1_767_362_400_000)
  expect(bytesOf('payload').toString('hex')).toBe(Buffer.from(row.payload).toString('hex'))
  expect(bytesOf('checksum').toString('hex')).toBe(Buffer.from(row.checksum).toString('hex'))
})

test('the example is read', () => {
  const header = bytesOf('header')
  expect(header.length).toBe(64)
  const number = (place: number) => Number(header.readBigUInt64LE(place * 8))
  const row: Row = {
    version: number(0),
    term: number(1),
    timeMs: number(2),
    firstRound: number(3),
    lastRound: number(4),
    firstSeq: number(5),
    lastSeq: number(6),
    checksum: bytesOf('checksum'),
    payload: bytesOf('payload'),
  }
  expect(row.payload.length).toBe(number(7))
  expect(checkRow(GENESIS, row)).toBeUndefined()
  const kinds = [...readRounds(row)].map(({ commands }) => commands.count)
  expect(kinds).toEqual([2])
})

test('the table has every kind with its fields', () => {
  const rows = [...doc.matchAll(/^\| (\d+) \| (\w+) \| (.*) \|$/gm)]
  expect(rows.map(([, kind, name]) => [Number(kind), name])).toEqual(
    COMMAND_NAMES.map((name, kind) => [kind, name]).slice(1),
  )
  for (const [, kind, , cells] of rows) {
    const fields = `${cells} `.split('|').map((cell) => cell.trim() !== '')
    expect(fields.length).toBe(Object.keys(Field).length)
    const bits = fields.reduce((sum, has, place) => sum + (has ? 1 << place : 0), 0)
    expect([kind, bits]).toEqual([kind, FIELDS[Number(kind)]])
  }
  expect(doc).toContain(`at most ${PAYLOAD_BYTES_MAX.toLocaleString('en-US')} bytes`)
})
