// Reports to several takers: the same to each, published when all have them.

import { expect, test } from 'vitest'
import { fanOut } from '../../src/gateway/fan-out.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { ReportLog } from '../../src/protocol/report-log.ts'
import { Reports } from '../../src/protocol/reports.ts'

const reports = new Reports(new ReportLog(), new Directory())

test('all are given them at once; published when the last has them', async () => {
  const gate = Promise.withResolvers<void>()
  const given: [string, Reports][] = []
  const take = fanOut(
    (each) => {
      given.push(['slow', each])
      return gate.promise
    },
    (each) => void given.push(['fast', each]),
  )
  let isPublished = false
  const published = take(reports).then(() => {
    isPublished = true
  })
  expect(given).toEqual([
    ['slow', reports],
    ['fast', reports],
  ])
  await new Promise((resolve) => setImmediate(resolve))
  expect(isPublished).toBe(false)
  gate.resolve()
  await published
})

test('what one throws goes on, and the others have theirs', async () => {
  const given: string[] = []
  const fault = new Error('it broke')
  const broken = () => {
    throw fault
  }
  await expect(fanOut(broken, () => void given.push('second'))(reports)).rejects.toBe(fault)
  await expect(fanOut(async () => broken())(reports)).rejects.toBe(fault)
  expect(given).toEqual(['second'])
  await fanOut()(reports)
})
