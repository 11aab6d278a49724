// One exchange in a data folder. Who runs there listens on a socket in it, so a second one knows at
// once; after a crash nobody listens, whatever process has the same number by then.

import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SETTINGS } from '../config.ts'
import { Inability } from './outcome.ts'

/** Who listens says its process's number; it is not waited for longer, in ms. */
const ANSWER_MS = 500

/** Takes the folder until the result is called; throws an Inability where an exchange runs. */
export async function lockFolder(folder: string): Promise<() => void> {
  mkdirSync(folder, { recursive: true })
  // The shorter way: a socket's path has about a hundred bytes at most.
  const path = relative('.', join(folder, 'lock'))
  const holder = await askHolder(path)
  if (holder !== undefined) throw taken(folder, holder)
  rmSync(path, { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(String(process.pid))
  })
  server.unref().listen(path)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw taken(folder, '')
    // Where a folder holds no sockets, Postgres's own lock has to do.
    return () => {}
  }
  return () => server.close()
}

/** The process's number, empty if it does not say; undefined if nobody listens. */
async function askHolder(path: string): Promise<string | undefined> {
  const socket = connect(path)
  let said = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  try {
    await once(socket, 'connect')
    await Promise.race([once(socket, 'end'), delay(ANSWER_MS, null, { ref: false })])
    return said
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

function taken(folder: string, pid: string): Inability {
  const who = pid === '' ? '' : ` (process ${pid})`
  const flag = folder === SETTINGS.data.fallback ? '' : ` --data ${folder}`
  const talk = `onefill status${flag} talks to it`
  const second = 'a second one needs another folder: --data FOLDER'
  return new Inability(`an exchange runs in ${folder} already${who}: ${talk}; ${second}.`)
}
