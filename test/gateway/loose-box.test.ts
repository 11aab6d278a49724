// What may be lost, and when it is told that something was.

import { expect, test } from 'vitest'
import { LooseBox } from '../../src/gateway/loose-box.ts'

const KIB = 1_024
const MESSAGE = new Uint8Array(100 * KIB)

/** A box of 1 MiB over a server that answers when it is told to. */
function slowServer() {
  const pings: { answer: () => void; fail: () => void }[] = []
  let published = 0
  let told = 0
  const connection = {
    publish: () => {
      published += 1
    },
    flush: () =>
      new Promise<void>((resolve, reject) => {
        pings.push({ answer: resolve, fail: () => reject(new Error('disconnected')) })
      }),
  }
  const onRoom = () => {
    told += 1
  }
  const box = new LooseBox(connection, { bytesMax: KIB * KIB, onRoom })
  return {
    ...{ box, pings },
    counts: () => ({ published, dropped: box.dropped, told }),
    /** Sends messages until one is dropped. */
    fill: () => {
      while (box.send('a', MESSAGE)) {}
    },
    async answer(how: 'answer' | 'fail' = 'answer') {
      pings.shift()?.[how]()
      for (let turn = 0; turn < 5; turn += 1) await undefined
    },
  }
}

test('a server that was slow has taken all: told once that something was dropped', async () => {
  const { counts, fill, answer, box } = slowServer()
  fill()
  expect(counts()).toEqual({ published: 10, dropped: 1, told: 0 })
  // The first question was about the first of them: there is room, and much is on its way.
  await answer()
  expect(counts().told).toBe(0)
  await answer()
  expect(counts()).toEqual({ published: 10, dropped: 1, told: 1 })
  expect(box.waitingBytes).toBe(0)
  // Nothing was dropped since.
  for (let number = 0; number < 6; number += 1) box.send('a', MESSAGE)
  await answer()
  await answer()
  expect(counts()).toEqual({ published: 16, dropped: 1, told: 1 })
})

test('while a server stays slow nothing is told: who asked anew would make it slower', async () => {
  const { counts, fill, answer } = slowServer()
  for (let turn = 0; turn < 10; turn += 1) {
    fill()
    await answer()
  }
  expect(counts()).toMatchObject({ told: 0 })
  expect(counts().dropped).toBeGreaterThanOrEqual(10)
})

test('what is dropped with the connection is told by the connection', async () => {
  const { box, counts, fill, answer } = slowServer()
  fill()
  box.lost()
  await answer('fail')
  expect(box.send('a', MESSAGE)).toBe(false)
  box.back()
  for (let number = 0; number < 3; number += 1) box.send('a', MESSAGE)
  await answer()
  expect(counts()).toEqual({ published: 13, dropped: 2, told: 0 })
})
