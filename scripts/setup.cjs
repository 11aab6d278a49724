// Installs what package-lock.json names when it is not there yet. npm runs it before every script
// that needs packages, with whatever Node the machine came with, hence plain CommonJS.
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { join } = require('node:path')

const root = join(__dirname, '..')
const stamp = join(root, 'node_modules', '.onefill-installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(process.platform + process.arch)
  .digest('hex')
const present = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''

if (present !== wanted) {
  console.error('onefill: installing packages (npm ci) ...')
  const npm = process.env.npm_execpath
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []]
  const run = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: !npm && process.platform === 'win32',
  })
  if (run.status !== 0) {
    console.error('onefill: npm ci failed; see its output above, then try again')
    process.exit(run.status || 1)
  }
  writeFileSync(stamp, wanted)
}
