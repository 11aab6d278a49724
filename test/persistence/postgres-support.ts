// Real Postgres for the tests: a server in a folder of its own, databases in it, rows, and a proxy
// that cuts connections where it is told to.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type EmbeddedPostgres, startEmbedded } from '../../src/persistence/embedded.ts'
import { StoreProblem } from '../../src/persistence/problem.ts'
import type { Row } from '../../src/persistence/row.ts'
import { openStore, type Store } from '../../src/persistence/store.ts'
import { BY_FORCE, sql, variant } from '../support/sql.ts'

export { BY_FORCE, sql, variant }

export interface TestServer {
  readonly postgres: EmbeddedPostgres
  readonly folder: string
  /** A new empty database; its address. */
  database(): Promise<string>
  end(): Promise<void>
}

export async function startServer(settings: Record<string, string> = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-postgres-'))
  // A connection that was closed keeps its place until its process is gone.
  const roomy = { max_connections: '100', ...settings }
  const postgres = await startEmbedded({ folder, settings: roomy })
  let count = 0
  return {
    postgres,
    folder,
    async database() {
      count += 1
      const name = `test_${count}`
      await sql(postgres.url, `CREATE DATABASE ${name}`)
      return variant(postgres.url, { database: name })
    },
    async end() {
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A server for the tests of a file, and stores that are closed behind the last of them. */
export function useStores() {
  const stores: Store[] = []
  const around = {
    /** There once the first test runs. */
    server: undefined as unknown as TestServer,
    async open(url: string, options: Parameters<typeof openStore>[1] = {}): Promise<Store> {
      const store = await openStore(url, options)
      stores.push(store)
      return store
    },
  }
  beforeAll(async () => {
    around.server = await startServer()
  })
  afterAll(async () => {
    for (const store of stores) await store.close(0)
    await around.server.end()
  })
  return around
}

/** Row number `round` of the writer of `term`. */
export function rowAt(round: number, term: number, bytes = 64): Row {
  const checksum = Buffer.alloc(32, `${term}/${round}`)
  const payload = Buffer.alloc(bytes, `payload of ${round} \0\xff`, 'latin1')
  const [firstRound, lastRound, firstSeq, lastSeq] = [round, round, round * 10, round * 10 + 9]
  const timeMs = 1_700_000_000_000 + round
  return { firstRound, lastRound, firstSeq, lastSeq, term, timeMs, version: 1, checksum, payload }
}

/** The code of the problem that the promise is rejected with; its message is one sentence. */
export async function problem(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error('nothing was wrong'),
    (thrown) => thrown,
  )
  if (!(error instanceof StoreProblem)) throw error
  if (!/^\w+ .*\.$/.test(error.message) || error.message.includes('\n')) {
    throw new Error(`not one sentence: ${error.message}`)
  }
  return error.code
}

/** Rounds and checksums in the journal, in order. */
export async function journalOf(url: string): Promise<{ round: number; checksum: string }[]> {
  const rows = await sql(url, 'SELECT first_round, checksum FROM onefill.journal ORDER BY 1')
  return rows.map(({ first_round, checksum }) => ({
    round: Number(first_round),
    checksum: (checksum as Buffer).toString('latin1'),
  }))
}

export type Direction = 'up' | 'down'

/** Passes bytes on until it is told to cut, to hold them back or to take nobody in. */
export class CutProxy {
  readonly #pairs = new Set<Socket>()
  readonly #target: number
  readonly #server = createServer((socket) => this.#take(socket))
  #cut: { direction: Direction; bytes: number } | null = null
  /** Bytes passed in each direction. */
  readonly passed = { up: 0, down: 0 }
  isSilent = false
  isShut = false
  /** May change what the server says. */
  change: (bytes: Buffer) => void = () => {}

  constructor(target: number) {
    this.#target = target
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Cuts all connections once `bytes` more have passed; what came before them still arrives. */
  cutAfter(direction: Direction, bytes: number): void {
    this.#cut = { direction, bytes }
  }

  get isArmed(): boolean {
    return this.#cut !== null
  }

  cutNow(): void {
    this.#cut = null
    for (const socket of this.#pairs) socket.destroy()
  }

  async end(): Promise<void> {
    this.cutNow()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #take(socket: Socket): void {
    if (this.isShut) {
      socket.destroy()
      return
    }
    const server = dial(this.#target, '127.0.0.1')
    const pass = (from: Socket, to: Socket, direction: Direction) => {
      this.#pairs.add(from)
      from.setNoDelay(true)
      from.on('error', () => {})
      from.on('close', () => {
        this.#pairs.delete(from)
        to.end()
      })
      from.on('data', (bytes: Buffer) => {
        if (this.isSilent) return
        if (direction === 'down') this.change(bytes)
        const cut = this.#cut
        if (cut?.direction !== direction || bytes.length < cut.bytes) {
          if (cut?.direction === direction) cut.bytes -= bytes.length
          this.passed[direction] += bytes.length
          to.write(bytes)
          return
        }
        this.#cut = null
        to.write(bytes.subarray(0, cut.bytes), () => this.cutNow())
      })
    }
    pass(socket, server, 'up')
    pass(server, socket, 'down')
  }
}

/** A store whose connections all go through a proxy. */
export async function proxied(server: TestServer, options: Parameters<typeof openStore>[1] = {}) {
  const url = await server.database()
  const proxy = new CutProxy(server.postgres.port)
  const port = await proxy.start()
  const store = await openStore(variant(url, { port }), options)
  await store.takeLease('a')
  const end = async () => {
    await store.close(0)
    await proxy.end()
  }
  return { url, proxy, store, end }
}

export async function expectEachOnce(url: string, count: number): Promise<void> {
  const expected = Array.from({ length: count }, (_, at) => ({
    round: at + 1,
    checksum: Buffer.from(rowAt(at + 1, 1).checksum).toString('latin1'),
  }))
  expect(await journalOf(url)).toEqual(expected)
}
