// The k6 to run: on the PATH, or in .tools/, where it is built once.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const MODULE = 'go.k6.io/k6@v1.3.0'
/** A build that takes longer is given up. */
const BUILD_MS_MAX = 15 * 60_000
const TOOLS = join(import.meta.dirname, '../../.tools')

/** The path of k6; builds it where there is `go`. Throws an Error that says how to get it. */
export function findK6(): string {
  const name = process.platform === 'win32' ? 'k6.exe' : 'k6'
  const folders = [...(process.env.PATH ?? '').split(delimiter), TOOLS]
  const found = folders.map((folder) => join(folder, name)).find(isProgram)
  if (found !== undefined) return found
  console.error('Building k6 with go install into .tools (some minutes, once) ...')
  mkdirSync(TOOLS, { recursive: true })
  const { status, error } = spawnSync('go', ['install', MODULE], {
    ...{ stdio: ['ignore', 'inherit', 'inherit'], timeout: BUILD_MS_MAX },
    env: { ...process.env, GOBIN: TOOLS },
  })
  const built = join(TOOLS, name)
  if (status === 0 && isProgram(built)) return built
  const isMissing = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
  const why = isMissing ? 'there is no go' : 'go install has failed'
  throw new Error(
    `There is no k6, and ${why}: run "go install ${MODULE}", or get k6 from its packages ` +
      '(https://grafana.com/docs/k6/latest/set-up/install-k6/), then try again.',
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
