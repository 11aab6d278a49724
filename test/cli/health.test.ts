// What /readyz says in each phase of the process, over a real HTTP server.

import { afterEach, expect, test } from 'vitest'
import { HealthBoard, type Phase } from '../../src/cli/health.ts'
import { HttpServer } from '../../src/gateway/http/server.ts'

const servers: HttpServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function listen(board: HealthBoard): Promise<string> {
  const at = { host: '127.0.0.1', port: 0, health: () => board.health() }
  const server = await HttpServer.listen(at)
  servers.push(server)
  return server.url
}

test('ready only while it leads with all its parts; alive always', async () => {
  const board = new HealthBoard('1.2.3')
  const url = await listen(board)
  const look = async () => {
    const response = await fetch(`${url}/readyz`)
    const { status, degraded } = (await response.json()) as { status: string; degraded: string[] }
    return [response.status, status, ...degraded]
  }
  const phases: Phase[] = ['starting', 'recovering', 'standby', 'stopping', 'broken']
  for (const phase of phases) {
    board.phase = phase
    expect(await look()).toEqual([503, phase])
  }
  board.phase = 'leading'
  expect(await look()).toEqual([503, 'degraded', 'journal'])
  board.isJournalReady = true
  // Without NATS, by lines alone.
  expect(await look()).toEqual([200, 'ready'])
  board.isNatsThere = false
  expect(await look()).toEqual([503, 'degraded', 'nats'])
  board.isNatsThere = true
  expect(await look()).toEqual([200, 'ready'])
  board.isNatsDenied = true
  expect(await look()).toEqual([503, 'degraded', 'nats'])
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  expect((await fetch(`${url}/elsewhere`)).status).toBe(404)
})

test('a port that is taken is the system’s error', async () => {
  const board = new HealthBoard('1.2.3')
  const port = Number(new URL(await listen(board)).port)
  const at = { host: '127.0.0.1', port, health: () => board.health() }
  await expect(HttpServer.listen(at)).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
