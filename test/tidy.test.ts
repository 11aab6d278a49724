// The house is tidy: imports point down, the engine is pure, files and lines fit, documents are
// true.

import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CODE_NAMES } from '../src/protocol/codes.ts'
import { COMMAND_FORMS } from '../src/protocol/command-schema.ts'
import { LIMIT_NAMES } from '../src/protocol/limits.ts'
import * as checks from './tidy/checks.ts'

const root = join(import.meta.dirname, '..')

function read(...patterns: string[]): checks.SourceFile[] {
  const paths = globSync(patterns, { cwd: root, exclude: (name) => name === 'node_modules' })
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

const source = read('src/**/*.ts')
const elsewhere = '{test,bench,experiments,load,scripts,bin}/**/*.{ts,js,cjs,mjs}'
const code = [...source, ...read(elsewhere, '*.ts')]
const documents = read('*.md', 'docs/**/*.md', 'examples/**/*.md')

/** Files of src with more than 500 lines, and why. */
const LONG_FILES = new Map([
  ['src/engine/account/hold.ts', 'one ladder of refusals for new and one for replace'],
])

describe('source', () => {
  test('was found', () => {
    expect(source.length).toBeGreaterThan(50)
    expect(code.length).toBeGreaterThan(source.length + 20)
    expect(documents.length).toBeGreaterThan(1)
  })

  test('imports point down', () => expect(checks.importsPointDown(source)).toEqual([]))
  test('imports end in .ts', () => expect(checks.importsEndInTs(code)).toEqual([]))
  test('lib and protocol import no package', () =>
    expect(checks.foundationsImportNoPackage(source)).toEqual([]))
  test('the engine is pure', () => expect(checks.engineIsPure(source)).toEqual([]))
  test('the engine catches nothing', () => expect(checks.engineCatchesNothing(source)).toEqual([]))
  test('lines fit', () => expect(checks.linesFit(code)).toEqual([]))
  test('files fit', () => expect(checks.filesFit(LONG_FILES)(source)).toEqual([]))
  test('files say their role', () => expect(checks.filesSayTheirRole(source)).toEqual([]))
  test('no enum, no namespace', () => expect(checks.noEnumOrNamespace(code)).toEqual([]))
  test('nothing is left for later', () =>
    expect(checks.nothingLeftForLater([...code, ...documents])).toEqual([]))
})

describe('documents', () => {
  const commands = readFileSync(join(root, 'docs/commands.md'), 'utf8')
  const rows = commands.split('\n').filter((line) => line.startsWith('| '))
  const cells = rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  const words = (cell: string) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word).filter((word) => /^\w+$/.test(word))

  test('links resolve', () => {
    const exists = (path: string) => existsSync(join(root, path))
    expect(checks.linksResolve(exists)(documents)).toEqual([])
  })

  test('every code is documented', () => {
    const missing = CODE_NAMES.slice(1).filter((name) => !commands.includes(`\`${name}\``))
    expect(missing).toEqual([])
  })

  test('the limits are documented in their order, with the codes they refuse with', () => {
    const documented = cells.filter(([, name]) =>
      LIMIT_NAMES.some((limit) => name === `\`${limit}\``),
    )
    expect(documented.flatMap(([, name]) => words(name))).toEqual(LIMIT_NAMES)
    const codes = documented.flatMap(([, , , , refuses]) => words(refuses))
    const [first, last] = ['SYMBOL_NOT_ALLOWED', 'DAILY_LOSS'] as const
    expect(codes).toEqual(CODE_NAMES.slice(CODE_NAMES.indexOf(first), CODE_NAMES.indexOf(last) + 1))
  })

  test('every command is documented with its fields', () => {
    const header = cells.findIndex(([, first]) => first === 'command')
    const table = cells.slice(
      header + 1,
      cells.findIndex(([, first]) => first === 'limit'),
    )
    const documented = new Map(
      table.flatMap(([, names, required, optional]) =>
        words(names).map((name) => [name, new Set([...words(required), ...words(optional)])]),
      ),
    )
    for (const [name, { required, optional }] of Object.entries(COMMAND_FORMS)) {
      // Queries stand in a paragraph of their own, limits in theirs.
      const fields = Object.keys({ ...required, ...optional }).filter(
        (field) => name !== 'limits' || !LIMIT_NAMES.some((limit) => limit === field),
      )
      if (!documented.has(name)) expect(commands).toContain(`{"cmd":"${name}"`)
      else expect([name, ...[...documented.get(name)!].sort()]).toEqual([name, ...fields.sort()])
    }
  })
})

/** A file made up to break a rule. */
const bad = (text: string, path = 'src/engine/bad.ts'): checks.SourceFile[] => [{ path, text }]

describe('each check sees what it is for', () => {
  test('imports that do not point down', () => {
    const from = (path: string, target: string) =>
      checks.importsPointDown(bad(`import { x } from '${target}'`, path))
    expect(from('src/lib/a.ts', '../protocol/b.ts')).toHaveLength(1)
    expect(from('src/protocol/a.ts', '../engine/b.ts')).toHaveLength(1)
    expect(from('src/engine/a.ts', '../exchange.ts')).toHaveLength(1)
    expect(from('src/engine/a.ts', '../persistence/b.ts')).toHaveLength(1)
    expect(from('src/persistence/a.ts', '../engine/b.ts')).toHaveLength(1)
    expect(from('src/gateway/a.ts', '../actors/b.ts')).toHaveLength(1)
    expect(from('src/exchange.ts', './cli/replay.ts')).toHaveLength(1)
    expect(from('src/cli/a.ts', '../main.ts')).toHaveLength(1)
    expect(from('src/engine/a.ts', '../../test/b.ts')).toHaveLength(1)
    expect(from('src/engine/book/a.ts', '../account/b.ts')).toHaveLength(1)
    expect(from('src/engine/book/a.ts', '../risk/b.ts')).toHaveLength(1)
    expect(from('src/actors/ring.ts', '../protocol/codes.ts')).toHaveLength(1)
    expect(from('src/actors/outlet.ts', './account-role.ts')).toHaveLength(1)
    expect(from('src/elsewhere/a.ts', './b.ts')).toHaveLength(1)
    expect(from('src/engine/account/a.ts', '../risk/b.ts')).toEqual([])
    expect(from('src/actors/outlet.ts', './ring.ts')).toEqual([])
    expect(from('src/actors/account-role.ts', '../engine/a.ts')).toEqual([])
    expect(from('src/index.ts', './exchange.ts')).toEqual([])
    expect(from('src/main.ts', './lib/a.ts')).toEqual([])
  })

  test('every form of import', () => {
    const up = '../engine/b.ts'
    const forms = [
      `import x from '${up}'`,
      `import {\n  x,\n  type Y,\n} from "${up}"`,
      `import * as x from '${up}'`,
      `import type { X } from '${up}'`,
      `import '${up}'`,
      `export * from '${up}'`,
      `export { x } from '${up}'`,
      `const x = await import('${up}')`,
    ]
    for (const form of forms) {
      expect(checks.importsPointDown(bad(form, 'src/lib/a.ts'))).toHaveLength(1)
    }
    expect(checks.importsPointDown(bad(`// import x from '${up}'`, 'src/lib/a.ts'))).toEqual([])
  })

  test('imports without an ending, and of packages', () => {
    expect(checks.importsEndInTs(bad("import { x } from './b'"))).toHaveLength(1)
    expect(checks.importsEndInTs(bad("import { x } from './b.js'"))).toHaveLength(1)
    const decimal = "import { Decimal } from 'decimal.js'"
    expect(checks.foundationsImportNoPackage(bad(decimal, 'src/lib/a.ts'))).toHaveLength(1)
    expect(checks.foundationsImportNoPackage(bad(decimal, 'src/protocol/a.ts'))).toHaveLength(1)
    expect(checks.foundationsImportNoPackage(bad(decimal, 'src/gateway/a.ts'))).toEqual([])
  })

  test('an impure engine', () => {
    const impure = [
      "import { readFileSync } from 'node:fs'",
      "import fs from 'fs'",
      "import { Decimal } from 'decimal.js'",
      'const now = Date.now()',
      'const now = new Date()',
      'const at = performance.now()',
      'const x = Math.random()',
      'const x = Math . random()',
      'setTimeout(() => {}, 1)',
      'setInterval(() => {}, 1)',
      'const x = process.env.X',
      'console.log(1)',
      'async function f() {}',
      'await x',
      'let x: Promise<void>',
      'fetch("http://x")',
      'crypto.randomUUID()',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code in a string
      'const x = `${process.pid}`',
      'x.toLocaleString()',
    ]
    for (const line of impure)
      expect([line, checks.engineIsPure(bad(line)).length]).toEqual([line, 1])
    const pure = [
      '// the process awaits a Date',
      '/* console */',
      "const x = 'process'",
      'const x = "await"',
      'const updated = processed + dated',
      "const x = 'a // b'; // console",
    ]
    for (const line of pure) expect([line, checks.engineIsPure(bad(line))]).toEqual([line, []])
    expect(checks.engineIsPure(bad('const now = Date.now()', 'src/cli/a.ts'))).toEqual([])
    expect(checks.engineCatchesNothing(bad('try {\n  x()\n} catch (error) {}'))).toHaveLength(1)
    expect(checks.engineCatchesNothing(bad('// try { } catch {}'))).toEqual([])
  })

  test('lines and files that do not fit', () => {
    expect(checks.linesFit(bad(`${'x'.repeat(100)}\n${'x'.repeat(101)}`))).toHaveLength(1)
    const long = 'x\n'.repeat(501)
    expect(checks.filesFit(new Map())(bad(long))).toHaveLength(1)
    expect(checks.filesFit(new Map())(bad('x\n'.repeat(500)))).toEqual([])
    const excused = new Map([['src/engine/bad.ts', 'a reason']])
    expect(checks.filesFit(excused)(bad(long))).toEqual([])
    expect(checks.filesFit(excused)(bad('x\n'))).toHaveLength(1)
  })

  test('files that do not say what they are', () => {
    expect(checks.filesSayTheirRole(bad("import x from 'y'\n"))).toHaveLength(1)
    expect(checks.filesSayTheirRole(bad('// x\n'))).toHaveLength(1)
    expect(
      checks.filesSayTheirRole(bad('\n// The role of this file, one line late.\n')),
    ).toHaveLength(1)
    expect(checks.filesSayTheirRole(bad('// The role of this file, in a sentence.\n'))).toEqual([])
  })

  test('what TypeScript cannot erase', () => {
    expect(checks.noEnumOrNamespace(bad('export enum Side { buy }'))).toHaveLength(1)
    expect(checks.noEnumOrNamespace(bad('const enum Side { buy }'))).toHaveLength(1)
    expect(checks.noEnumOrNamespace(bad('namespace Book {}'))).toHaveLength(1)
    expect(checks.noEnumOrNamespace(bad("const text = 'enum X'\n// enum X"))).toEqual([])
  })

  test('what is left for later', () => {
    expect(checks.nothingLeftForLater(bad(`// ${'TO'}${'DO'}: later`))).toHaveLength(1)
    expect(checks.nothingLeftForLater(bad(`// ${'FIX'}${'ME'}`))).toHaveLength(1)
  })

  test('links that point at nothing', () => {
    const links = (text: string) =>
      checks.linksResolve((path) => path === 'docs/b.md')([
        { path: 'docs/a.md', text },
        { path: 'docs/b.md', text: '# One two\n' },
      ])
    expect(links('[x](c.md)')).toHaveLength(1)
    expect(links('[x](../b.md)')).toHaveLength(1)
    expect(links('[x](b.md#three)')).toHaveLength(1)
    expect(links('[x](b.md) [y](b.md#one-two) [z](https://example.com) `[q](c.md)`')).toEqual([])
  })
})
