// Integer arithmetic that stays exact where a double's product would not.

/** floor(a × b / c) for safe integers a, b >= 0, c > 0; the result must be a safe integer. */
export function mulDivFloor(a: number, b: number, c: number): number {
  const product = a * b
  if (product <= Number.MAX_SAFE_INTEGER) {
    const quotient = Math.floor(product / c)
    return quotient * c > product ? quotient - 1 : quotient
  }
  return Number((BigInt(a) * BigInt(b)) / BigInt(c))
}

/** ceil(a × b / c) for safe integers a, b >= 0, c > 0. */
export function mulDivCeil(a: number, b: number, c: number): number {
  return Number((BigInt(a) * BigInt(b) + BigInt(c) - 1n) / BigInt(c))
}

/** Whether a × b > c × d, exactly, for whole numbers >= 0; any of them may be Infinity. */
export function productExceeds(a: number, b: number, c: number, d: number): boolean {
  const left = a * b
  const right = c * d
  if (left <= Number.MAX_SAFE_INTEGER || right <= Number.MAX_SAFE_INTEGER) return left > right
  if (right === Number.POSITIVE_INFINITY) return false
  return BigInt(a) * BigInt(b) > BigInt(c) * BigInt(d)
}
