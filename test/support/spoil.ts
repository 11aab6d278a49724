// Makes a command wrong: in form, in its names, or by more precision than there is.

import type { Json } from './markets.ts'
import type { Prng } from './prng.ts'

const STRANGE: unknown[] = [
  null,
  5,
  -1,
  1.5,
  true,
  '',
  '0',
  '00',
  '-1',
  '+1',
  '1e3',
  '.5',
  '5.',
  '1.2.3',
  ' 1',
  '1,5',
  'NaN',
  'x'.repeat(37),
  '9'.repeat(41),
  '٣',
  'é',
  'a b',
  [],
  {},
  ['1'],
  'constructor',
  '__proto__',
  'GTD',
  'Buy',
]

/** Changes `command` itself. */
export function spoil(random: Prng, command: Json): void {
  const field = random.pick(Object.keys(command))
  switch (random.int(0, 7)) {
    case 0:
      delete command[field]
      break
    case 1:
      command[random.pick(['extra', 'toString', 'price', 'orderId', 'symbol', 'text'])] = '1'
      break
    case 2:
    case 3:
      for (const name of ['account', 'to', 'symbol', 'asset', 'base', 'quote']) {
        if (command[name] !== undefined && random.chance(0.4)) command[name] = 'nobody'
      }
      break
    case 4:
    case 5:
      for (const name of ['price', 'orderQty', 'amount']) {
        const value = command[name]
        if (typeof value !== 'string' || random.chance(0.3)) continue
        command[name] = value.includes('.') ? `${value}00001` : `${value}.00001`
      }
      break
    default:
      command[field] = random.pick(STRANGE)
  }
}
