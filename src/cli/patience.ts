// How long something that goes and comes is waited for.

/** How often it is looked, in ms. */
const LOOK_MS = 100

/**
 * Calls `giveUp`, once, when `isThere` has said no for `ms` without a yes between, whenever that
 * begins; the result ends it.
 */
export function giveUpAfter(
  ms: number,
  { isThere, giveUp }: { isThere: () => boolean; giveUp: () => void },
): () => void {
  let looksWithout = 0
  const timer = setInterval(() => {
    looksWithout = isThere() ? 0 : looksWithout + 1
    if (looksWithout * LOOK_MS < ms) return
    clearInterval(timer)
    giveUp()
  }, LOOK_MS)
  return () => clearInterval(timer)
}
