// docker-compose.yml and the Dockerfile, as far as they can be checked without a Docker engine:
// what they name is there.

import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig, SETTING_NAMES, variableOf } from '../../src/config.ts'

const root = join(import.meta.dirname, '../..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const compose = read('docker-compose.yml')
const dockerfile = read('Dockerfile')

/** The text with each `${NAME:-default}` as it is when nothing is set. */
const plain = compose.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')

/** The lines of a service: indented by two and then more. */
function service(name: string): string {
  const [, body] = new RegExp(`^ {2}${name}:\\n((?: {4}.*\\n|\\n)+)`, 'm').exec(plain) ?? []
  expect([name, body]).toEqual([name, expect.any(String)])
  return body
}

test('it has NATS with our permissions, Postgres with checksums, Redis and the exchange', () => {
  expect(service('postgres')).toContain('POSTGRES_INITDB_ARGS: --data-checksums')
  service('redis')
  const [, file] = / {6}- \.\/(deploy\/[^\s:]+):/.exec(service('nats')) ?? []
  expect(existsSync(join(root, file))).toBe(true)
  // Every password that the file asks for is given.
  const wanted = [...read(file).matchAll(/\$(NATS_\w+)/g)].map(([, name]) => name)
  expect(wanted).toHaveLength(4)
  for (const name of wanted) expect(service('nats')).toContain(`${name}: `)
})

test('the settings of the exchange are settings, and go together', () => {
  const lines = service('exchange').matchAll(/^ {6}([A-Z_]+): (\S+)$/gm)
  const environment = Object.fromEntries([...lines].map(([, name, value]) => [name, value]))
  const named = [...dockerfile.matchAll(/\b(ONEFILL_\w+)=(\S+)/g)].map(([, ...each]) => each)
  expect(Object.keys(environment).length + named.length).toBe(4)
  const known = SETTING_NAMES.map(variableOf)
  for (const name of [...Object.keys(environment), ...named.map(([each]) => each)]) {
    expect(known).toContain(name)
  }
  const whole = { ...environment, ...Object.fromEntries(named) }
  expect(readConfig({ environment: whole, flags: {} }).settings.httpHost).toBe('0.0.0.0')
})

test('the image holds what runs, does not run as root, and is asked whether it is ready', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
    paths.split(' '),
  )
  expect(copied).toEqual(expect.arrayContaining(['bin', 'src', 'package.json']))
  for (const path of copied) expect([path, existsSync(join(root, path))]).toEqual([path, true])
  const left = read('.dockerignore').trim().split('\n')
  expect(copied.filter((path) => left.includes(path))).toEqual([])
  expect(dockerfile).toMatch(/^USER node$/m)
  expect(dockerfile).toMatch(/HEALTHCHECK[\s\S]+\/readyz/)
})

test('what src imports is there without the packages for development', () => {
  const files = globSync(['src/**/*.ts', 'bin/*.js'], { cwd: root })
  const from = /^(?:import .*|\} )from '((?:@[\w-]+\/)?[\w-]+)(?:\/[^']*)?'$/gm
  const packages = new Set(files.flatMap((file) => [...read(file).matchAll(from)].map((m) => m[1])))
  expect(packages.size).toBeGreaterThan(5)
  expect(dockerfile).toContain('--omit=dev')
  const { dependencies } = JSON.parse(read('package.json'))
  expect([...packages].filter((name) => !(name in dependencies))).toEqual([])
})
