#!/usr/bin/env node
// Starts the command-line tool on the Node that the package `node` pins, whatever Node ran this
// file.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withHugePages } from './huge-pages.js'

const source = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')
// TypeScript in a clone, JavaScript in a package.
const main = join(source, existsSync(join(source, 'main.ts')) ? 'main.ts' : 'main.js')
const major = Number(process.versions.node.split('.')[0])

const environment = withHugePages(process.env)

if (major >= 26) {
  // The same process begins again, in another environment.
  if (environment !== process.env && process.platform === 'linux' && process.execve) {
    const own = [...process.execArgv, '--disable-warning=ExperimentalWarning']
    process.execve(
      process.execPath,
      [process.execPath, ...own, ...process.argv.slice(1)],
      environment,
    )
  }
  await import(main)
} else {
  const pinned = join(
    dirname(createRequire(import.meta.url).resolve('node/package.json')),
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )
  const run = spawn(pinned, [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // It stops when we are gone: what kills us may not reach it (src/cli/parent.ts).
    env: { ...environment, ONEFILL_WRAPPED: '1' },
  })
  // A terminal gives Ctrl+C to both of us; the other takes two that come together for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => run.kill(signal))
  run.on('error', (error) => {
    console.error(`onefill: cannot start Node 26 (${pinned}): ${error.message}`)
    console.error('onefill: run npm install once')
    process.exit(1)
  })
  run.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}
