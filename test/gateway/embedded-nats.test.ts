// The built-in NATS server: found or fetched, started again at its port, and nothing left behind
// however its owner ends.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startNats } from '../../src/gateway/embedded-nats.ts'
import { findNatsServer } from '../../src/gateway/nats-binary.ts'

let parent: string
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'onefill-nats-'))
})
afterAll(() => rmSync(parent, { recursive: true, force: true }))

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)
const source = (path: string) => new URL(`../../src/gateway/${path}`, import.meta.url)

/** A program of its own, started with our Node. */
function program(text: string, env: NodeJS.ProcessEnv = process.env) {
  const flags = ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning']
  return spawn(process.execPath, [...flags, '-e', text], {
    ...{ stdio: ['ignore', 'pipe', 'inherit'], env },
  })
}

/** A message goes through the server at `url`. */
async function carries(url: string): Promise<string> {
  const client = await connect({ servers: url, reconnect: false })
  client.subscribe('echo', { callback: (_, message) => void message.respond(message.data) })
  const answer = await client.request('echo', 'hello', { timeout: 5_000 })
  await client.close()
  return answer.string()
}

test('it carries messages, and is at the same port after a kill and a stop', async () => {
  const nats = await startNats({ folder: join(parent, 'one') })
  const { url, port } = nats
  expect(await carries(url)).toBe('hello')
  await nats.kill()
  expect(nats.pid).toBeNull()
  await expect(carries(url)).rejects.toThrow('refused')
  await nats.start()
  expect([nats.url, nats.port]).toEqual([url, port])
  expect(await carries(url)).toBe('hello')
  const pid = nats.pid!
  await Promise.all([nats.stop(), nats.stop()])
  expect(isAlive(pid)).toBe(false)
  await nats.start()
  expect(await carries(url)).toBe('hello')
  await nats.stop()
})

test('its bounds and more lines of configuration are in force', async () => {
  const config = 'authorization { user: alice, password: secret }'
  const nats = await startNats({ folder: join(parent, 'more'), config })
  await expect(carries(nats.url)).rejects.toThrow(/authorization/i)
  const client = await connect({ servers: nats.url, user: 'alice', pass: 'secret' })
  expect(client.info?.max_payload).toBe(512 * 1024)
  expect(client.info?.host).toBe('127.0.0.1')
  await client.close()
  await nats.stop()
})

test('one clear sentence when it cannot', async () => {
  const folder = join(parent, 'bad')
  const bad = startNats({ folder, config: 'max_payload: "much"' })
  await expect(bad).rejects.toMatchObject({ code: 'NATS_FAILED' })
  await expect(bad).rejects.toThrow(/cannot run in .*nats\.conf:/)
  const file = join(parent, 'file')
  writeFileSync(file, '')
  await expect(startNats({ folder: file })).rejects.toMatchObject({ code: 'NATS_FAILED' })
})

test('a taken port is waited for, and another server there is not taken for ours', async () => {
  const other = createServer((socket) => socket.end('INFO {"server_name":"other"}\r\n'))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const starting = startNats({ folder: join(parent, 'taken'), port })
  let isUp = false
  void starting.then(() => {
    isUp = true
  })
  await delay(300)
  expect(isUp).toBe(false)
  other.close()
  const nats = await starting
  expect(nats.port).toBe(port)
  expect(await carries(nats.url)).toBe('hello')
  await nats.stop()
})

test.each(['SIGKILL', 'SIGTERM', 'exit'])('it ends when its owner ends by %s', async (how) => {
  const owner = program(`import { startNats } from '${source('embedded-nats.ts')}'
    const nats = await startNats({ folder: '${join(parent, how)}' })
    console.log(nats.pid)
    ${how === 'exit' ? '' : 'setInterval(() => {}, 1000)'}`)
  const [said] = await once(owner.stdout, 'data')
  const pid = Number(said)
  const gone = once(owner, 'exit')
  if (how !== 'exit') {
    expect(isAlive(pid)).toBe(true)
    owner.kill(how as NodeJS.Signals)
  }
  await gone
  const until = performance.now() + 12_000
  while (isAlive(pid) && performance.now() < until) await delay(20)
  expect(isAlive(pid)).toBe(false)
})

// Where only `go` is there a fetch takes a minute; where there is nothing, it cannot be tried.
test.skipIf(!existsSync('/usr/bin/apt-get'))(
  'processes that fetch it at once, one of them killed, all get the same one',
  async () => {
    const tools = join(parent, 'tools')
    const text = `import { fetchOnce } from '${source('nats-binary.ts')}'
      console.log(await fetchOnce('${tools}', (said) => console.log(said)))`
    const killed = program(text)
    await once(killed.stdout, 'data')
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    expect(existsSync(join(tools, 'nats-server.lock'))).toBe(true)
    const said = await Promise.all(
      [program(text), program(text), program(text)].map(async (child) => {
        let all = ''
        child.stdout.on('data', (data) => {
          all += String(data)
        })
        const [status] = await once(child, 'close')
        expect(status).toBe(0)
        return all.trim().split('\n')
      }),
    )
    expect(new Set(said.map((lines) => lines.at(-1)))).toEqual(
      new Set([join(tools, 'nats-server')]),
    )
    // The others waited and then had it.
    expect(Math.min(...said.map((lines) => lines.length))).toBe(1)
    expect(existsSync(join(tools, 'nats-server.lock'))).toBe(false)
  },
)

test('a file of that name that is no server, or too old a one, is not taken', async () => {
  const tools = mkdtempSync(join(parent, 'old-'))
  const path = join(tools, 'nats-server')
  const before = process.env.PATH
  process.env.PATH = tools
  try {
    writeFileSync(path, '#!/bin/sh\necho "nats-server: v2.8.4"\n')
    chmodSync(path, 0o755)
    expect(await findNatsServer(tools)).not.toBe(path)
    writeFileSync(path, 'no program')
    expect(await findNatsServer(tools)).not.toBe(path)
    writeFileSync(path, '#!/bin/sh\necho "nats-server: v2.9.10"\n')
    expect(await findNatsServer(tools)).toBe(path)
  } finally {
    process.env.PATH = before
  }
})

test.skipIf(process.platform !== 'linux').each([
  ['nothing can fetch it', [], 'install Go (https://go.dev/dl) and run "go install '],
  ['go fails', ['go'], 'run "go install '],
  ['apt-get and go fail', ['apt-get', 'go'], 'run "sudo apt-get update && sudo apt-get install'],
])('where %s, the message says what to do', async (_, tools, advice) => {
  const folder = mkdtempSync(join(parent, 'none-'))
  const bin = mkdtempSync(join(parent, 'bin-'))
  for (const tool of tools) {
    writeFileSync(join(bin, tool), '#!/bin/sh\necho "no network"\nexit 1\n')
    chmodSync(join(bin, tool), 0o755)
  }
  const child = program(
    `import { fetchOnce } from '${source('nats-binary.ts')}'
    const say = (error) => console.log(error.code, error.message)
    await fetchOnce('${folder}', () => {}).catch(say)`,
    { ...process.env, PATH: bin },
  )
  let said = ''
  child.stdout.on('data', (data) => {
    said += String(data)
  })
  await once(child, 'close')
  const reasons = ['apt-get', 'go', 'brew'].map((tool) =>
    tools.includes(tool) ? `${tool}: no network` : `there is no ${tool}`,
  )
  expect(said).toContain(`NATS_MISSING There is no nats-server (${reasons.join('; ')}): ${advice}`)
  expect(said).toMatch(/, or set NATS_URL, or run "docker compose up --build"\.\n$/)
  expect(readdirSync(folder)).toEqual([])
})
