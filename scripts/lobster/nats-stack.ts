// A running exchange to send the day to: the one that serves NATS_URL, or one of our own, on
// NATS_URL and DATABASE_URL where they are set and on built-in servers where not.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { startNats } from '../../src/gateway/embedded-nats.ts'
import { connectionOf, hostsOf } from '../../src/gateway/nats-address.ts'
import { startEmbedded } from '../../src/persistence/embedded.ts'

const program = join(import.meta.dirname, '../../bench/nats-exchange.ts')

export type Stack = {
  readonly connection: NatsConnection
  /** Nothing was ever sent to it. */
  readonly isFresh: boolean
  /** The state's hash, if the exchange is our own. */
  stateHash(): Promise<string | undefined>
  end(): Promise<void>
}

/** Opens it; throws an Error of one sentence where a server cannot be used. */
export async function openStack(environment: NodeJS.ProcessEnv): Promise<Stack> {
  const { NATS_URL, DATABASE_URL } = environment
  const folder = mkdtempSync(join(tmpdir(), 'onefill-lobster-'))
  const ends: (() => Promise<unknown>)[] = [
    async () => rmSync(folder, { recursive: true, force: true }),
  ]
  const end = async () => {
    for (const each of ends.splice(0).toReversed()) await each()
  }
  try {
    const nats = NATS_URL === undefined ? await startNats({ folder: join(folder, 'nats') }) : null
    if (nats !== null) ends.push(() => nats.stop())
    const url = NATS_URL ?? (nats?.url as string)
    const connection = await connect(connectionOf(url)).catch((cause: Error) => {
      throw new Error(`No NATS server can be used at ${hostsOf(url)}: ${cause.message}.`, { cause })
    })
    ends.push(() => connection.close())
    let child: ChildProcess | undefined
    if ((await seqOf(connection)) === undefined) {
      const isOwn = DATABASE_URL === undefined
      const postgres = isOwn ? await startEmbedded({ folder: join(folder, 'postgres') }) : null
      if (postgres !== null) ends.push(() => postgres.stop())
      const database = DATABASE_URL ?? postgres?.url
      child = fork(program, [], {
        env: { ...environment, BENCH_NATS: url, BENCH_DATABASE: database },
      })
      const own = child
      ends.push(async () => {
        if (own.exitCode !== null) return
        own.kill()
        await once(own, 'exit')
      })
      const ended = once(child, 'exit').then(() => 'ended')
      const [said] = await Promise.race([once(child, 'message'), ended])
      if (said !== 'ready') throw new Error('The exchange does not start.')
    }
    let seq: number | undefined
    // What it subscribes to is on its way still.
    while (seq === undefined) seq = await seqOf(connection)
    const isFresh = seq === 0
    const stateHash = async () => {
      child?.send('hash')
      return child && (await once(child, 'message'))[0].hash
    }
    return { connection, isFresh, stateHash, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** Where the exchange that serves is in its history; undefined if none does. */
async function seqOf(connection: NatsConnection): Promise<number | undefined> {
  try {
    const status = await connection.request('onefill.v1.status', '', { timeout: 2_000 })
    return status.json<{ seq: number }>().seq
  } catch {
    // Nobody answers.
    return undefined
  }
}
