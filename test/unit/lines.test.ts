// Lines out of a byte stream, however its chunks fall.

import { expect, test } from 'vitest'
import { LINE_BYTES_MAX, splitLines } from '../../src/cli/lines.ts'

async function split(text: string, chunkBytes: number): Promise<(string | undefined)[]> {
  const bytes = Buffer.from(text)
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  const lines: (string | undefined)[] = []
  for await (const line of splitLines(chunks())) lines.push(line?.toString())
  return lines
}

const CHUNKS = [1, 2, 3, 7, 1_000_000]

test.each(CHUNKS)('chunks of %i bytes', async (size) => {
  expect(await split('', size)).toEqual([])
  expect(await split('a', size)).toEqual(['a'])
  expect(await split('a\n', size)).toEqual(['a'])
  expect(await split('\n', size)).toEqual([''])
  expect(await split('a\n\nbc\r\nd', size)).toEqual(['a', '', 'bc\r', 'd'])
  expect(await split('ä\n€\n', size)).toEqual(['ä', '€'])
})

test.each([100, 4_096, 65_536, 65_537, 1_000_000])(
  'too long a line, in chunks of %i',
  async (size) => {
    const fits = 'x'.repeat(LINE_BYTES_MAX)
    const long = 'x'.repeat(LINE_BYTES_MAX + 1)
    expect(await split(`a\n${fits}\nb`, size)).toEqual(['a', fits, 'b'])
    expect(await split(`a\n${long}\nb`, size)).toEqual(['a', undefined, 'b'])
    expect(await split(long, size)).toEqual([undefined])
    expect(await split(`${long}\n`, size)).toEqual([undefined])
    expect(await split(`${long}\n\n${long}${long}\nz\n`, size)).toEqual([
      undefined,
      '',
      undefined,
      'z',
    ])
  },
)
