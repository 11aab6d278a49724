// The log of a running exchange: a line of JSON for each event, short lines on a terminal; no
// secrets.

import { writeSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import { hideSecrets, type Settings } from '../config.ts'

export type Log = Logger

/** A line that is being written may wait so long for a full pipe, in all. */
const PATIENCE_MS = 1_000

/** Writes to standard error at once: whoever ends the process loses no line. */
export function createLog({ logLevel, logFormat }: Pick<Settings, 'logLevel' | 'logFormat'>): Log {
  const isPretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stderr.isTTY)
  const destination = {
    write(line: string) {
      const text = hideSecrets(line)
      writeWhole(isPretty ? prettyLine(text) : text)
    },
  }
  const options = {
    level: logLevel,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  }
  return pino(options, destination)
}

/** A pipe that is full for a while is waited for; a reader that is gone is no failure. */
function writeWhole(text: string): void {
  let bytes = Buffer.from(text)
  const untilMs = performance.now() + PATIENCE_MS
  while (bytes.length > 0 && performance.now() < untilMs) {
    try {
      bytes = bytes.subarray(writeSync(process.stderr.fd, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

/** Time, what it is if it is not well, and the sentence. */
export function prettyLine(line: string): string {
  const { time, level, msg } = JSON.parse(line) as { time: string; level: string; msg: string }
  const mark = level === 'info' || level === 'debug' ? '' : `${level}: `
  return `${time.slice(11, 19)} ${mark}${msg}\n`
}
