// A program outside: an operator, and two traders whose orders meet, over the NATS server that it
// is told.

import { AdminClient, OnefillClient } from 'onefill/client'
import { SCENE, sell } from './scene.ts'

const [, , servers] = process.argv
const admin = await AdminClient.connect({ servers })
for (const { execType } of await admin.batch(SCENE)) console.log(execType)
await admin.close()

const [alice, bob] = await Promise.all(
  ['alice', 'bob'].map((account) => OnefillClient.connect({ servers, account })),
)
const filled = new Promise<unknown[]>((resolve, reject) => {
  const reports = alice.onReport(({ execType, ordStatus, lastQty, lastPx }) => {
    if (execType === 'trade') resolve([ordStatus, lastQty, lastPx])
  })
  reports.ready.then(trade).catch(reject)
})

async function trade(): Promise<void> {
  console.log((await alice.submit({ ...sell, side: 'buy' })).execType)
  console.log((await bob.submit(sell)).execType)
}

console.log(...(await filled))
await Promise.all([alice.close(), bob.close()])
