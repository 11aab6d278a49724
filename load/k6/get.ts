// `npm run get:k6`: where k6 is, built first where it has to be; or how to get it, and exit code 1.

import { findK6 } from './binary.ts'

try {
  console.log(`k6: ${findK6()}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
