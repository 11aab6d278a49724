// The examples in the documents run: every block of TypeScript, as a program of its own.

import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createExchange } from '../src/index.ts'

const root = join(import.meta.dirname, '..')
const files = globSync(['*.md', 'docs/**/*.md'], { cwd: root })

const NOBODY = 'nats://127.0.0.1:1'

const blocks = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/```(?:ts|js)\n([\s\S]*?)```/g)].map(([, code], n) => ({
    name: `${file}, block ${n + 1}`,
    code,
  }))
})

test('there are examples', () => expect(blocks.length).toBeGreaterThanOrEqual(2))

test.each(blocks)('$name', ({ code }) => {
  // From the root, `onefill` names the package itself.
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning', '-'],
    // Clients find nobody, whatever runs on this machine, and say so in a line.
    { input: code, cwd: root, encoding: 'utf8', env: { ...process.env, NATS_URL: NOBODY } },
  )
  expect([status, stderr]).toEqual([0, ''])
})

test('the commands in docs/commands.md are well-formed', () => {
  const text = readFileSync(join(root, 'docs/commands.md'), 'utf8')
  const [, commands] = /## Commands\n\n([\s\S]*?)\n\n\|/.exec(text)!
  const objects = commands.replaceAll(/\n {5}/g, '').match(/\{"cmd".*?\}(?=\s|$)/g)!
  expect(objects.length).toBeGreaterThanOrEqual(17)
  const exchange = createExchange()
  const [asset, ...rest] = objects.map((object) => JSON.parse(object) as Record<string, unknown>)
  exchange.execute([asset, { cmd: 'asset', asset: 'NVDA', decimals: 0 }])
  exchange.execute({ cmd: 'account', account: 'bob' })
  for (const command of rest) {
    // Refused or not, it was understood: what is not has no seq.
    expect(exchange.execute(command)[0]).toHaveProperty('seq')
  }
})
