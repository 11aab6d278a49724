// Where the recordings are: they may be used for tests but not shipped, so they are never in here.
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

export type RecordingFiles = { readonly messages: string; readonly orderbook: string }

const repositoryRoot = resolve(import.meta.dirname, '../..')

export function recordingDirectory(): string {
  return resolve(repositoryRoot, process.env.ONEFILL_LOBSTER_DIR ?? '../shared/data/lobster')
}

/** The first pair of files with this many levels and this ticker, undefined when there is none. */
export function findRecording(levels: number, ticker = ''): RecordingFiles | undefined {
  const directory = recordingDirectory()
  const names = existsSync(directory) ? readdirSync(directory).sort() : []
  const isMessages = new RegExp(`^${ticker}.*_message_${levels}\\.csv(\\.gz)?$`)
  for (const name of names) {
    if (!isMessages.test(name)) continue
    const other = name.replace('_message_', '_orderbook_').replace(/\.gz$/, '')
    const orderbook = [other, `${other}.gz`].find((candidate) => names.includes(candidate))
    if (orderbook !== undefined)
      return { messages: join(directory, name), orderbook: join(directory, orderbook) }
  }
  return undefined
}
