// What one charge does in Redis, in one step: it is taken whole or not at all.
//
// The script that comes with rate-limiter-flexible counts what it refuses, so one batch that does
// not fit would use up what single orders still could have. This one leaves the count alone then.

/** Counts that say "refused" to rate-limiter-flexible: above the points, by how much says why. */
const NO_ROOM = 1
const FULL = 2

/**
 * KEYS: the key. ARGV: what to take (negative: give back), the window in seconds, its points.
 * Returns the count and how many ms the window still lasts.
 */
export const CHARGE_SCRIPT = `
local cost, points = tonumber(ARGV[1]), tonumber(ARGV[3])
local count = tonumber(redis.call('get', KEYS[1]) or '0')
local ms = redis.call('pttl', KEYS[1])
if cost < 0 then
  if ms > 0 then count = redis.call('incrby', KEYS[1], math.max(cost, -count)) end
  return {count, ms}
end
if count + cost > points and ms > 0 then
  if count >= points then return {points + ${FULL}, ms} end
  return {points + ${NO_ROOM}, ms}
end
if ms <= 0 then
  redis.call('set', KEYS[1], cost, 'EX', ARGV[2])
  return {cost, 1000 * ARGV[2]}
end
return {redis.call('incrby', KEYS[1], cost), ms}
`

/** Whether a refusal's count says that nothing is left, rather than too little for this. */
export const isFull = (count: number, points: number): boolean => count >= points + FULL
