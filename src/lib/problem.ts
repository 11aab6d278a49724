// What cannot be done, as an error: a stable code for programs, one sentence for people.

/** Something that cannot be done, and why; never a bug of the caller (that is a fault). */
export class Problem<Code extends string> extends Error {
  readonly code: Code

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
