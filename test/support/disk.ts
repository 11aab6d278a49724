// A disk that is really full, where this machine lets us have one of our own.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../src/lib/assert.ts'

const PROGRAM = join(import.meta.dirname, 'disk-process.ts')

export interface DiskTally {
  acknowledged: number
  refused: number
  /** What the exchange's user was told of the journal, in order. */
  readonly told: string[]
  /** How often Postgres has ended for want of space. */
  died: number
}

/** Why no disk can be had here; undefined if one can. */
export function whyNoDisk(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux has mount namespaces'
  if (process.getuid?.() !== 0) return 'only root may mount a disk'
  const trial = 'mount -t tmpfs -o size=1m onefill /mnt'
  const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', trial], { encoding: 'utf8' })
  return status === 0 ? undefined : `no disk can be mounted: ${stderr ?? 'there is no unshare'}`
}

/**
 * Fills the disk under Postgres twice: once so that tables cannot grow, once so that its log
 * cannot. Throws where something is acknowledged meanwhile, the user is not told DISK_FULL, or the
 * exchange does not go on once there is space.
 */
export function fillDisk(): DiskTally {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-disk-'))
  try {
    const args = ['-m', process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, folder]
    return JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' }))
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? error.stderr : error
    throw new Fault(`a full disk: ${said}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
