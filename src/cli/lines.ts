// A byte stream as lines, with a bound on their length, and what is on them.

/** Longest line that is read as a command; a longer one is given as undefined. */
export const LINE_BYTES_MAX = 65_536

const LF = 0x0a
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Lines without their ends; undefined for one beyond {@link LINE_BYTES_MAX}, whose bytes are
 * dropped.
 */
export async function* splitLines(
  stream: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer | undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let isTooLong = false
  for await (const chunk of stream) {
    let from = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      const length = rest.length + end - from
      if (isTooLong || length > LINE_BYTES_MAX) yield undefined
      else
        yield rest.length === 0
          ? chunk.subarray(from, end)
          : Buffer.concat([rest, chunk.subarray(from, end)])
      rest = Buffer.alloc(0)
      isTooLong = false
      from = end + 1
    }
    if (from === chunk.length || isTooLong) continue
    isTooLong = rest.length + chunk.length - from > LINE_BYTES_MAX
    rest = isTooLong ? Buffer.alloc(0) : Buffer.concat([rest, chunk.subarray(from)])
  }
  if (isTooLong) yield undefined
  else if (rest.length > 0) yield rest
}

/** The JSON on a line; undefined if it is none, or if the line is too long. */
export function parseLine(line: Buffer | undefined): { value: unknown } | undefined {
  if (line === undefined) return undefined
  try {
    return { value: JSON.parse(UTF8.decode(line)) }
  } catch (error) {
    // JSON.parse and the decoder throw these for bad input; anything else is a fault.
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

export function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}
