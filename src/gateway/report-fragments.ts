// Pieces of a report's msgpack that are the same each time: names of fields, and values of which
// there are few. They are copied in words of four bytes, several times as fast as byte by byte.

/** Bytes to be written again and again. */
export interface Fragment {
  readonly bytes: number
  /** Four bytes each; what the last one has beyond the end is written over by what follows. */
  readonly words: readonly number[]
}

/** The value that msgpack calls str: the longest of a report has 255 bytes. */
function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text)
  const head = bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]
  return Buffer.concat([Buffer.from(head), bytes])
}

function fragmentOf(bytes: Buffer): Fragment {
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4)
  bytes.copy(padded)
  const words = Array.from({ length: padded.length / 4 }, (_, i) => padded.readInt32BE(i * 4))
  return { bytes: bytes.length, words }
}

/** A field's name; its value follows. */
export const keyOf = (name: string): Fragment => fragmentOf(textBytes(name))

/** Fields whole, name and value: as many as are given. */
export function fieldsOf(fields: Readonly<Record<string, string | boolean>>): Fragment {
  const parts = Object.entries(fields).flatMap(([name, value]) => [
    textBytes(name),
    typeof value === 'boolean' ? Buffer.from([value ? 0xc3 : 0xc2]) : textBytes(value),
  ])
  return fragmentOf(Buffer.concat(parts))
}

/** Fragments by a small number, each made when it is first asked for. */
export class FragmentTable {
  private readonly made: (Fragment | undefined)[] = []
  private readonly make: (number: number) => Fragment

  constructor(make: (number: number) => Fragment) {
    this.make = make
  }

  of(number: number): Fragment {
    const known = this.made[number]
    if (known !== undefined) return known
    const fragment = this.make(number)
    this.made[number] = fragment
    return fragment
  }
}
