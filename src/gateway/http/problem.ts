// What goes wrong, as HTTP says it: RFC 9457 problems with a status, a code and the field.

import { Code, type CodeName, codeText } from '../../protocol/codes.ts'
import type { Report } from '../../protocol/report-json.ts'
import { isAgain } from '../desk.ts'

/** Codes that only HTTP has, with their status and what to do. */
export const HTTP_PROBLEMS = {
  UNAUTHENTICATED: [401, 'the request does not prove who sent it'],
  FORBIDDEN: [403, 'the principal may not do this'],
  NOT_FOUND: [404, 'there is no such route; see /v1/openapi.json'],
  BODY_TOO_LARGE: [413, 'the body is longer than 512 KiB; send it in parts'],
  URL_TOO_LONG: [414, 'a part of the path is longer than any id; see /v1/openapi.json'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'bodies are application/json'],
  IDEMPOTENCY_KEY_MISMATCH: [400, 'Idempotency-Key and clOrdId differ; send one of them'],
  UPGRADE_REQUIRED: [426, 'this is a WebSocket; see docs/stream.md'],
  TOO_MANY_STREAMS: [429, 'the account has as many streams open as it may; close one of them'],
  RATE_LIMITED: [429, 'too many requests of this account; send the same again later'],
  INTERNAL: [500, 'a fault of the exchange; whoever runs it is told'],
  UNANSWERED: [
    503,
    'it is not known to be durable, and may take effect; send the same again, with its clOrdId',
  ],
} as const satisfies Record<string, readonly [number, string]>

export type HttpCode = keyof typeof HTTP_PROBLEMS
export type ProblemCode = CodeName | HttpCode

/** Statuses of the exchange's own codes; any other is a business refusal, 422. */
const STATUSES: { readonly [code in CodeName]?: number } = {
  MALFORMED: 400,
  WRONG_ACCOUNT: 403,
  DUPLICATE_ID: 409,
  HISTORY_GONE: 410,
}

/** When to try again, in ms, where nothing better is known. */
const AGAIN_MS = 1_000

/** What more a problem says. */
export interface ProblemMore {
  readonly field?: string | undefined
  /** Instead of the code's own sentence. */
  readonly detail?: string | undefined
  /** Instead of the code's own status. */
  readonly status?: number | undefined
  readonly retryAfterMs?: number
  /** The exchange's word on the command, as NATS gives it. */
  readonly report?: Report
  /** The same, of a batch. */
  readonly reports?: readonly Report[]
  /** Which command of a batch is malformed, from 0. */
  readonly index?: number | undefined
  /** Where memory begins and ends. */
  readonly oldest?: number
  readonly newest?: number
}

/** A request's outcome that is no success; a class, so that no body can pass for one. */
export class Problem {
  /** Whether it passes on what the exchange has said, which is counted already. */
  readonly isReported: boolean
  readonly code: ProblemCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: object

  constructor(
    code: ProblemCode,
    { status, headers, body }: Pick<Problem, 'status' | 'headers' | 'body'>,
  ) {
    this.code = code
    this.isReported = 'report' in body || 'reports' in body
    this.status = status
    this.headers = headers
    this.body = body
  }
}

/** The header `Retry-After` for a refusal: whole seconds, never sooner, at least one. */
export const retryAfterHeader = (retryAfterMs: number): string =>
  String(Math.max(1, Math.ceil(retryAfterMs / 1000)))

/** The problem with a code. */
export function problemOf(
  code: ProblemCode,
  { detail, status, retryAfterMs, ...more }: ProblemMore = {},
): Problem {
  const [ownStatus, text] = isHttpCode(code) ? HTTP_PROBLEMS[code] : [statusOf(code), textOf(code)]
  const used = status ?? ownStatus
  const waitMs = retryAfterMs ?? (used === 503 || used === 429 ? AGAIN_MS : undefined)
  const body = {
    type: `urn:onefill:problem:${code}`,
    title: titleOf(code),
    status: used,
    detail: detail ?? text,
    code,
    ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
  }
  const headers = {
    ...(waitMs !== undefined && { 'retry-after': retryAfterHeader(waitMs) }),
    ...(used === 401 && { 'www-authenticate': 'Bearer' }),
  }
  return new Problem(code, { status: used, headers, body })
}

/** The problem that a refusal is; `missing`: the code that says that the path leads nowhere. */
export function refusalProblem(report: Report, missing?: CodeName): Problem {
  const { code = 'NONE', field, text } = report
  const status = code === missing ? 404 : undefined
  return problemOf(code, { status, field, detail: text, report })
}

/** Whether an outcome is one. */
export const isProblem = (outcome: unknown): outcome is Problem => outcome instanceof Problem

const isHttpCode = (code: ProblemCode): code is HttpCode => Object.hasOwn(HTTP_PROBLEMS, code)
const textOf = (code: CodeName): string => codeText(Code[code])

function statusOf(code: CodeName): number {
  return STATUSES[code] ?? (isAgain(code) ? 503 : 422)
}

/** `Insufficient funds` for `INSUFFICIENT_FUNDS`. */
function titleOf(code: ProblemCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words[0].toUpperCase() + words.slice(1)
}
