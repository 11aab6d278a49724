// A worker thread: runs the roles that live here until they are told to stop.

import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { AccountRole } from './account-role.ts'
import { BookRole } from './book-role.ts'
import { ControlBlock } from './control.ts'
import { Doorbell } from './doorbell.ts'
import type { FaultReport, Mail } from './letters.ts'
import type { Role } from './role.ts'
import type { WorkerSetup } from './threads.ts'
import { Ends } from './wiring.ts'

/** Longest sleep: even a worker that nobody needs shows that it is alive. */
const SLEEP_MS_MAX = 500

const setup = workerData as WorkerSetup
const control = new ControlBlock(setup.control)
const sequencerBell = new Doorbell(setup.wiring.bells[0])
run(setup)

function run({ worker, placement, wiring, options, mail, spins }: WorkerSetup): void {
  const ends = new Ends(placement, wiring)
  const { accounts, symbols } = placement.workers[worker]
  const bell = ends.bell(worker + 1)
  let asleepMs = 0
  const note = () => control.account(worker, { cpuMs: cpuMs(), asleepMs })
  const roles: Role[] = [
    ...accounts.map(
      (shard, at) =>
        new AccountRole(
          { ...options, shard, shards: placement.accounts },
          ends.ofAccounts(shard, mailOn(mail[at], note)),
        ),
    ),
    ...symbols.map(
      (shard, at) =>
        new BookRole(options, ends.ofSymbols(shard, mailOn(mail[accounts.length + at], note))),
    ),
  ]
  // An end by process.exit, whoever calls it, is no reason to wait for this worker's silence.
  process.on('exit', () => {
    if (roles.every(({ isStopped }) => isStopped)) return
    control.fault(worker)
    sequencerBell.wake()
  })
  const canStep = () => roles.some((role) => role.canStep())
  let role = roles[0]
  try {
    for (;;) {
      control.beat(worker)
      let isMoved = false
      for (role of roles) isMoved = role.step() || isMoved
      if (isMoved) continue
      if (roles.every(({ isStopped }) => isStopped)) break
      note()
      const fromMs = performance.now()
      bell.wait(canStep, SLEEP_MS_MAX, spins)
      asleepMs += performance.now() - fromMs
    }
  } catch (error) {
    // Not to go on: to say where it broke before the thread ends.
    report({ ...role.whereabouts(), ...describe(error) })
    control.fault(worker)
    sequencerBell.wake()
    throw error
  } finally {
    for (const port of mail) port.close()
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function describe(error: unknown): Pick<FaultReport, 'message' | 'stack'> {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  return { message, stack }
}

function report(fault: FaultReport): void {
  setup.faults.postMessage(fault)
}

/**
 * Letters over a port; what the worker has used is noted down first, and the sequencer, which looks
 * for its answer, is rung.
 */
function mailOn(port: MessagePort, note: () => void): Mail {
  return {
    post: (letter) => {
      note()
      port.postMessage(letter)
      sequencerBell.ring()
    },
    beat: () => control.beat(setup.worker),
    take: () => receiveMessageOnPort(port)?.message,
  }
}
