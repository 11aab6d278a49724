// The file that says who may ask over HTTP: whose tokens are taken, and the API keys.
//
// All that is wrong is said at once, and never what stands there: it may be a secret.

import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import { z } from 'zod'
import { isName } from '../../../protocol/command-schema.ts'
import type { Scope } from '../principal.ts'
import { AuthProblem } from './problem.ts'

/** Signatures of tokens that can be taken; `none` is not among them. */
export const ALGORITHMS = ['HS256', 'EdDSA', 'ES256', 'RS256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

const SCOPES = ['trade', 'read', 'admin'] as const satisfies readonly Scope[]

/** Whether it is one of our scopes. */
export const isScope = (value: unknown): value is Scope => SCOPES.includes(value as Scope)

/** What tokens are checked with. */
export type TokenKey =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'public'; readonly pem: string }
  | { readonly kind: 'set'; readonly set: JSONWebKeySet }

export interface JwtSettings {
  readonly issuer: string
  readonly audience: string
  /** HS256 with a secret, the others with public keys: never both. */
  readonly algorithms: readonly Algorithm[]
  /** By how many seconds the issuer's clock may differ from ours: 0 to 60. */
  readonly clockToleranceS: number
  readonly key: TokenKey
}

export interface ApiKey {
  readonly id: string
  readonly secret: string
  readonly account: string
  readonly scopes: readonly Scope[]
}

export interface KeySettings {
  readonly keys: readonly ApiKey[]
  /** How far `onefill-time` may be from our clock, either way. */
  readonly windowMs: number
  /** Nonces that are remembered for two windows. One more: refused. */
  readonly nonces: { readonly perKey: number; readonly all: number }
}

/** Who may ask; at least one of the two is there. */
export interface AuthSettings {
  readonly jwt?: JwtSettings
  readonly apiKeys?: KeySettings
}

/** Characters of a secret at least: as many bits as the hash has, were they random in base64. */
const SECRET_CHARS_MIN = 43
const KEYS_MAX = 10_000
const RSA_BITS_MIN = 2_048

const text = z.string().min(1).max(256)
const whole = (min: number, max: number) => z.number().int().min(min).max(max)
const secret = z.string().min(SECRET_CHARS_MIN).max(1_024)

const FILE = z.strictObject({
  jwt: z
    .strictObject({
      issuer: text,
      audience: text,
      algorithms: z.array(z.enum(ALGORITHMS)).min(1).optional(),
      clockToleranceS: whole(0, 60).default(5),
      secret: secret.optional(),
      publicKeyFile: text.optional(),
      jwksFile: text.optional(),
    })
    .optional(),
  windowMs: whole(1_000, 300_000).default(30_000),
  noncesPerKey: whole(1, 1_000_000).default(100_000),
  noncesMax: whole(1, 10_000_000).default(1_000_000),
  keys: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
        secret,
        account: z.string().refine(isName),
        scopes: z.array(z.enum(SCOPES)).min(1),
      }),
    )
    .max(KEYS_MAX)
    .default([]),
})

/** What is allowed, by the place in the file; a number there is an entry of an array. */
const ALLOWED: Readonly<Record<string, string>> = {
  'jwt.issuer': 'a text, as in the claim iss',
  'jwt.audience': 'a text, as in the claim aud',
  'jwt.algorithms': `some of ${ALGORITHMS.join(', ')}`,
  'jwt.clockToleranceS': 'seconds, 0 to 60',
  'jwt.secret': `${SECRET_CHARS_MIN} to 1024 characters, random`,
  'jwt.publicKeyFile': 'a file with a public key in PEM',
  'jwt.jwksFile': 'a file with a JSON Web Key Set',
  windowMs: 'ms, 1000 to 300000',
  noncesPerKey: 'a whole number, 1 to 1000000',
  noncesMax: 'a whole number, 1 to 10000000',
  keys: `up to ${KEYS_MAX} objects with id, secret, account and scopes`,
  'keys.id': '1 to 64 of A-Z, a-z, 0-9, _ . -',
  'keys.secret': `${SECRET_CHARS_MIN} to 1024 characters, random`,
  'keys.account': 'the name of an account',
  'keys.scopes': `some of ${SCOPES.join(', ')}`,
}

/**
 * Reads the file of settings; files that it names are beside it, unless their path is absolute.
 * Throws an AuthProblem that says all that is wrong.
 */
export function readAuthSettings(file: string): AuthSettings {
  const problems: string[] = []
  const content = jsonIn(file, problems)
  const parsed = problems.length === 0 ? FILE.safeParse(content) : undefined
  const settings = parsed?.data
  for (const { path, ...issue } of parsed?.error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys') {
      problems.push(...issue.keys.map((key) => `${[...path, key].join('.')} is no setting`))
    } else problems.push(wrongAt(path))
  }
  if (settings !== undefined && settings.jwt === undefined && settings.keys.length === 0) {
    problems.push('neither jwt nor keys: nobody could ask; name one of them')
  }
  const ids = new Set<string>()
  for (const { id } of settings?.keys ?? []) {
    if (ids.has(id)) problems.push(`the key ${id} is there twice; give each an id of its own`)
    ids.add(id)
  }
  const jwt = settings?.jwt && jwtOf(settings.jwt, dirname(file), problems)
  if (settings === undefined || problems.length > 0) {
    // One that cannot be read names itself.
    const lines = problems.map((line) => (line.startsWith(`${file} `) ? line : `${file}: ${line}`))
    throw new AuthProblem('AUTH_SETTINGS', lines.join('\n'))
  }
  const { keys, windowMs, noncesPerKey, noncesMax } = settings
  return {
    ...(jwt === undefined ? {} : { jwt }),
    ...(keys.length === 0
      ? {}
      : { apiKeys: { keys, windowMs, nonces: { perKey: noncesPerKey, all: noncesMax } } }),
  }
}

function wrongAt(path: readonly PropertyKey[]): string {
  const shown = path.join('.') || 'the file'
  // The place, then what it stands in: of an array, an entry may be wrong.
  const names = path.filter((part) => typeof part === 'string')
  const allowed = ALLOWED[names.join('.')] ?? 'an object; see docs/http-auth.md'
  return `${shown} is missing or not allowed; allowed: ${allowed}`
}

type JwtFile = NonNullable<z.infer<typeof FILE>['jwt']>

function jwtOf(file: JwtFile, folder: string, problems: string[]): JwtSettings | undefined {
  const { issuer, audience, clockToleranceS, secret, publicKeyFile, jwksFile } = file
  const before = problems.length
  const keys: TokenKey[] = []
  let fitting: readonly Algorithm[] = []
  if (secret !== undefined) {
    keys.push({ kind: 'secret', secret })
    fitting = ['HS256']
  }
  if (publicKeyFile !== undefined) {
    const pem = textIn(resolve(folder, publicKeyFile), problems)
    fitting = algorithmsOf(pem, publicKeyFile, problems)
    keys.push({ kind: 'public', pem })
  }
  if (jwksFile !== undefined) {
    const set = jsonIn(resolve(folder, jwksFile), problems) as JSONWebKeySet
    if (problems.length === before) checkSet(set, jwksFile, problems)
    fitting = ['EdDSA', 'ES256', 'RS256']
    keys.push({ kind: 'set', set })
  }
  if (problems.length > before) return undefined
  const [key] = keys
  if (keys.length !== 1) {
    problems.push('jwt has one of secret, publicKeyFile and jwksFile; leave out the others')
    return undefined
  }
  const algorithms = file.algorithms ?? fitting
  const strange = algorithms.filter((algorithm) => !fitting.includes(algorithm))
  if (strange.length > 0) {
    problems.push(`jwt.algorithms has ${strange.join(', ')}; with this key: ${fitting.join(', ')}`)
  }
  return { issuer, audience, algorithms, clockToleranceS, key }
}

/** A public key can check one kind of signature; a private one has no place here. */
function algorithmsOf(pem: string, name: string, problems: string[]): readonly Algorithm[] {
  if (pem === '') return []
  let key: KeyObject | undefined
  try {
    // Node would derive the public key from a private one, which then lies about for nothing.
    if (!pem.includes('PRIVATE KEY')) key = createPublicKey(pem)
  } catch {
    // It says no more than that it is none, and might quote it.
    key = undefined
  }
  const algorithm = key && algorithmOf(key)
  if (algorithm !== undefined) return [algorithm]
  problems.push(`${name} holds no public key for EdDSA, ES256 or RS256 (${RSA_BITS_MIN} bits up)`)
  return []
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject) {
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256'
  return asymmetricKeyType === 'rsa' && modulusLength >= RSA_BITS_MIN ? 'RS256' : undefined
}

/** Public keys only, each of a kind that is taken, and none that could be taken for another. */
function checkSet(set: JSONWebKeySet, name: string, problems: string[]): void {
  try {
    createLocalJWKSet(set)
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error
    problems.push(`${name} holds no JSON Web Key Set`)
    return
  }
  if (set.keys.length === 0) problems.push(`${name} holds no key`)
  for (const [n, jwk] of set.keys.entries()) {
    let isUsable = false
    try {
      const isPublic = jwk.d === undefined && jwk.k === undefined
      isUsable = isPublic && algorithmOf(createPublicKey({ key: jwk, format: 'jwk' })) !== undefined
    } catch {
      // It says no more than that it is none.
    }
    if (!isUsable) problems.push(`${name}: key ${n} is no public key for EdDSA, ES256 or RS256`)
  }
  const ids = new Set(set.keys.map(({ kid }) => kid))
  if (ids.size !== set.keys.length || (set.keys.length > 1 && ids.has(undefined))) {
    problems.push(`${name}: each of several keys needs a kid of its own`)
  }
}

function textIn(file: string, problems: string[]): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    problems.push(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
    return ''
  }
}

function jsonIn(file: string, problems: string[]): unknown {
  const before = problems.length
  const content = textIn(file, problems)
  if (problems.length > before) return undefined
  try {
    return JSON.parse(content)
  } catch {
    // What the parser says may quote a secret.
    problems.push(`${file} is not JSON`)
    return undefined
  }
}
