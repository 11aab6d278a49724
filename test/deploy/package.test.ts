// What `npm run package` makes works elsewhere: unpacked in a project of its own, it runs, trades
// and type-checks as the clone does.

import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Surroundings } from '../support/surroundings.ts'
import { endTools, jsonLines, onefill, Served } from '../support/tool.ts'

const ROOT = join(import.meta.dirname, '../..')
const PROGRAMS = join(import.meta.dirname, 'elsewhere')
const DAY = join(ROOT, 'examples/day.ndjson')
const PACKAGE = join(ROOT, 'scripts/package.ts')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')
/** Examples in documents. */
const BLOCKS = /```(?:ts|typescript)\n[\s\S]*?\n```/g
const HOOK_MS = 600_000
/** What a program in TypeScript has of its own. */
const OWN = ['@types/node']

const project = fs.mkdtempSync(join(tmpdir(), 'onefill-elsewhere-'))
const made = join(project, 'made')
const installed = join(project, 'node_modules/onefill')
/** The package's tool, for what is run there. */
const here = { tool: join(project, 'node_modules/.bin/onefill'), cwd: project }
let around: Surroundings

/** Runs a program to its end; its status, and all that it has said. */
function run(command: string, args: readonly string[], cwd = project) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  return { status, stdout, stderr }
}

const read = (path: string) => fs.readFileSync(join(project, path), 'utf8')

function link(target: string, path: string): void {
  fs.mkdirSync(dirname(path), { recursive: true })
  fs.symlinkSync(target, path)
}

beforeAll(async () => {
  const { status, stdout, stderr } = run(process.execPath, [PACKAGE, '--out', made], ROOT)
  expect(status, stdout + stderr).toBe(0)
  // As npm installs it, with nothing in reach but what the package says that it needs.
  fs.mkdirSync(installed, { recursive: true })
  const [tarball] = fs.globSync(join(made, 'onefill-*.tgz'))
  expect(run('tar', ['-xzf', tarball, '--strip-components=1'], installed).status).toBe(0)
  const { dependencies, bin } = JSON.parse(read('node_modules/onefill/package.json'))
  for (const name of [...Object.keys(dependencies), ...OWN]) {
    link(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))
  }
  link(join(installed, bin.onefill), join(project, 'node_modules/.bin/onefill'))
  fs.writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  fs.cpSync(PROGRAMS, project, { recursive: true })
  around = await Surroundings.start()
}, HOOK_MS)

afterEach(endTools)
afterAll(async () => {
  await around?.stop()
  fs.rmSync(project, { recursive: true, force: true })
}, HOOK_MS)

/** What a program of `elsewhere` says. */
function said(name: string, args: readonly string[] = [], folder = project): string {
  const all = ['--disable-warning=ExperimentalWarning', join(folder, name), ...args]
  const { status, stdout, stderr } = run(process.execPath, all, folder)
  expect([status, stderr]).toEqual([0, ''])
  return stdout
}

test('it has JavaScript and types, and nothing of the clone', () => {
  const files = fs.globSync('**/*.ts', { cwd: installed })
  expect(files.filter((file) => !file.endsWith('.d.ts'))).toEqual([])
  const manifest = JSON.parse(read('node_modules/onefill/package.json'))
  for (const name of ['scripts', 'devDependencies', 'allowScripts', 'files']) {
    expect(manifest).not.toHaveProperty(name)
  }
  expect(manifest.engines).toEqual({ node: '>=26' })
  for (const name of ['README.md', 'CHANGELOG.md', 'docs/commands.md', 'bin/onefill.js']) {
    expect([name, fs.existsSync(join(installed, name))]).toEqual([name, true])
  }
})

test('an order fills, in one thread and on workers, as in the clone', () => {
  const lines = said('embedded.ts').split('\n')
  expect(lines.filter((line) => line.includes('"filled"'))).toHaveLength(4)
  expect(lines).toEqual(said('embedded.ts', [], PROGRAMS).split('\n'))
})

test('a journal, and a snapshot that a process of its own takes', async () => {
  const lines = said('durable.ts', [await around.databases.create()])
    .trim()
    .split('\n')
  expect(lines).toEqual([
    ...Array.from({ length: 7 }, (_, n) => `${n + 1} accepted`),
    'snapshot at 7 true',
  ])
})

test('its tool serves, its client trades, its page is there', async () => {
  const url = await around.databases.create()
  const served = new Served(['--http-port', '0', '--http-auth', 'development'], {
    ...{ ...here, url, env: { NATS_URL: around.nats.url } },
  })
  await served.until(() => served.stderr.includes('"event":"ready"'))
  const lines = said('trading.ts', [around.nats.url]).trim().split('\n')
  expect(lines).toEqual([...Array(7).fill('accepted'), 'new', 'new', 'filled 3 1.5'])
  const http = jsonLines(served.stderr).find(({ event }) => event === 'http')?.url
  for (const path of ['openapi.json', 'docs', 'docs.js', 'docs.css']) {
    expect([path, (await fetch(`${http}/v1/${path}`)).status]).toEqual([path, 200])
  }
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
})

test('npx onefill helps', () => {
  expect(run('npx', ['--offline', 'onefill', '--help'])).toEqual(onefill(['--help']))
})

test('its tool knows its version, and replays to the same reports and state', () => {
  const { version } = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(onefill(['--version'], here)).toMatchObject({ status: 0, stdout: `${version}\n` })
  const state = ({ stderr }: { stderr: string }) => stderr.slice(stderr.indexOf('state '))
  const one = onefill(['replay', DAY, '--hash'], here)
  const other = onefill(['replay', DAY, '--hash', '--workers', '2'])
  expect(state(one)).toMatch(/^state [0-9a-f]{64} at seq 15\n$/)
  expect([one.status, one.stdout, state(one)]).toEqual([0, other.stdout, state(other)])
})

test('programs in strict TypeScript type-check against it, those of the documents too', () => {
  const documents = fs.globSync(['README.md', 'docs/**/*.md'], { cwd: installed })
  const programs = documents
    .flatMap((file) => read(join('node_modules/onefill', file)).match(BLOCKS) ?? [])
    .filter((block) => block.includes("from 'onefill"))
  expect(programs.length).toBeGreaterThan(4)
  for (const [n, block] of programs.entries()) {
    const code = block.slice(block.indexOf('\n'), block.lastIndexOf('\n'))
    fs.writeFileSync(join(project, `document-${n}.ts`), code)
  }
  const compilerOptions = {
    ...{ strict: true, module: 'nodenext', allowImportingTsExtensions: true, noEmit: true },
    // What the package's types need is there too, and checked.
    ...{ types: ['node'], skipLibCheck: false },
  }
  const config = JSON.stringify({ compilerOptions, include: ['*.ts'] })
  fs.writeFileSync(join(project, 'tsconfig.json'), config)
  expect(run(process.execPath, [TSC])).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('the clone itself is not packed by mistake', () => {
  const { status, stderr } = run('npm', ['pack', '--dry-run'], ROOT)
  expect(status).toBe(1)
  expect(stderr).toMatch(/^A clone is no package: npm run package makes one in dist\/ *$/m)
})
