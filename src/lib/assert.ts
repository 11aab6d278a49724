// A broken invariant is a fault: it ends the program, nobody catches it and goes on.

/** A broken invariant. Not a refusal: refusals are values, a fault is a bug or corrupt memory. */
export class Fault extends Error {
  override name = 'Fault'
}

/** Throws a {@link Fault} saying `what` unless `holds`. */
export function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Fault(what)
}

/** Marks a place that an exhaustive `switch` cannot reach. */
export function unreachable(value: never): never {
  throw new Fault(`unreachable: ${String(value)}`)
}
