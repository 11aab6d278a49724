// npm and our own wrapper stand between who started an exchange and the exchange. A shell of npm's
// ends at a signal and hands it on to nobody; so that the exchange does not stay behind, it stops
// once who started it is gone.

/** How often it is looked, in ms. */
const LOOK_MS = 200

/**
 * Sends this process SIGTERM once the one that started it is gone, where that was npm or our
 * wrapper. Who is started otherwise may outlive a terminal, and who has no parent any more at the
 * start was put into the background.
 */
export function stopWithParent(): void {
  const { npm_lifecycle_event: script = '', ONEFILL_WRAPPED: wrapped = '' } = process.env
  const parent = process.ppid
  if ((script === '' && wrapped === '') || parent === 1) return
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, LOOK_MS)
  timer.unref()
}
