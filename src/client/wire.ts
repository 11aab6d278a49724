// Bytes from the exchange to values: msgpack or JSON, told apart by the first byte.

import { Packr } from 'msgpackr/index-no-eval'
import type { NumberedReport } from '../gateway/history.ts'
import type { Report } from '../protocol/report-json.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What an object from the wire may be; each field is looked at before it is used. */
export type Said = { readonly [field: string]: unknown }

/**
 * The objects in a message: one, or those of an array. Undefined if it is something else, which is
 * as good as no message. Never throws: in a callback that would end the connection's reader.
 */
export function decodeMessage(
  bytes: Uint8Array,
): { readonly isArray: boolean; readonly objects: readonly Said[] } | undefined {
  let value: unknown
  try {
    const isJson = bytes[0] === 0x7b || bytes[0] === 0x5b
    value = isJson ? JSON.parse(utf8.decode(bytes)) : packr.unpack(bytes)
  } catch {
    return undefined
  }
  const isArray = Array.isArray(value)
  const objects: readonly unknown[] = isArray ? (value as unknown[]) : [value]
  const areObjects = objects.every((each) => typeof each === 'object' && each !== null)
  return areObjects ? { isArray, objects: objects as Said[] } : undefined
}

/** Whether it is a refusal, and not the answer to a query. */
export const isRefusal = (said: object): said is Report =>
  'execType' in said && said.execType === 'rejected'

export const isNumbered = (said: object): said is NumberedReport =>
  'execSeq' in said && Number.isSafeInteger(said.execSeq)

/** The fields that say something: msgpack has no form for `undefined` that the exchange takes. */
export const withoutUndefined = (fields: object): { [field: string]: unknown } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
