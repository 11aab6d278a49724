// Makes what can be installed elsewhere: the JavaScript and the types of src/, with the files that
// go with them and a package.json of its own, as a folder and as a tarball. What it is made of was
// checked before: `npm run package` does.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command } from 'commander'

const ROOT = join(import.meta.dirname, '..')
/** In every package, named by `files` or not, where they are there. */
const ALWAYS = ['README.md', 'LICENSE']

const program = new Command('npm run package --')
  .description('A package of JavaScript, for npm install and npm publish.')
  .option('--out <folder>', 'where its folder and its tarball go', 'dist')
  .parse()
const out = resolve(program.opts<{ out: string }>().out)
const folder = join(out, 'package')

// What src/ has no more shall not stay.
rmSync(folder, { recursive: true, force: true })
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
const config = join(ROOT, 'tsconfig.package.json')
run(process.execPath, [tsc, '-p', config, '--outDir', join(folder, 'src')])
const { files, scripts, devDependencies, allowScripts, exports, ...kept } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
)
for (const name of [...files, ...ALWAYS].filter((name) => existsSync(join(ROOT, name)))) {
  const isOther = (path: string) => !path.endsWith('.ts')
  cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter: isOther })
}
// Here any Node starts the one that is pinned; what imports a package runs on its own.
const manifest = { ...kept, exports: emitted(exports), engines: { node: '>=26' } }
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
run('npm', ['pack', folder, '--pack-destination', out, '--loglevel', 'error'])
console.log(`npm install ${join(out, `${kept.name}-${kept.version}.tgz`)}`)

/** What a package exports: for each source, what tsc makes of it. */
function emitted(sources: Record<string, string>): object {
  const entries = Object.entries(sources).map(([name, file]) => {
    if (!file.endsWith('.ts')) return [name, file]
    const stem = file.slice(0, -'.ts'.length)
    return [name, { types: `${stem}.d.ts`, default: `${stem}.js` }]
  })
  return Object.fromEntries(entries)
}

/** Runs a program to its end, and ends with it if it fails. */
function run(command: string, args: readonly string[]): void {
  // npm is a script there.
  const shell = command === 'npm' && process.platform === 'win32'
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', shell })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}
