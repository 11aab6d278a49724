// The file of who may ask: what is read from it, and what is wrong with it, said at once.

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  AuthProblem,
  createAuthenticate,
  readAuthSettings,
  signRequest,
} from '../../src/gateway/http/auth/authenticator.ts'
import { asking, said } from './auth-support.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onefill-auth-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Writes a file; its path. */
function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** What is wrong with the settings, a line each, without the name of the file. */
function problems(content: unknown): string[] {
  const path = file('bad.json', content)
  try {
    readAuthSettings(path)
  } catch (error) {
    if (!(error instanceof AuthProblem)) throw error
    expect(error.code).toBe('AUTH_SETTINGS')
    return error.message.split('\n').map((line) => line.replace(`${path}: `, ''))
  }
  return []
}

const newSecret = () => randomBytes(32).toString('base64url')
const key = (rest: object = {}) => ({
  ...{ id: 'alice-1', secret: newSecret(), account: 'alice', scopes: ['trade'] },
  ...rest,
})
const ISSUED = { issuer: 'https://login.example', audience: 'onefill' }
const pemOf = (publicKey: KeyObject) => publicKey.export({ type: 'spki', format: 'pem' })

test('from the file to somebody who is let in: a token and a signed request', async () => {
  const pairs = [
    ['EdDSA', generateKeyPairSync('ed25519')],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ] as const
  const alice = key()
  const jwks = pairs.map(([kid, { publicKey }]) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
  }))
  file('jwks.json', { keys: jwks })
  for (const [alg, { publicKey, privateKey }] of pairs) {
    file('public.pem', pemOf(publicKey))
    const token = await new SignJWT({ account: 'alice', scopes: ['read'] })
      .setProtectedHeader({ alg, kid: alg })
      .setIssuer(ISSUED.issuer)
      .setAudience(ISSUED.audience)
      .setExpirationTime('1 minute')
      .sign(privateKey)
    for (const where of [{ publicKeyFile: 'public.pem' }, { jwksFile: 'jwks.json' }]) {
      const path = file('auth.json', { jwt: { ...ISSUED, ...where }, keys: [alice] })
      const authenticate = createAuthenticate(readAuthSettings(path))
      const authorization = `Bearer ${token}`
      expect([alg, said(await authenticate(asking({ authorization })))]).toEqual([
        ...[alg, 'alice: read'],
      ])
      const request = { method: 'GET', url: '/v1/accounts/alice' }
      // Signed a moment after the start, whatever the clock's grain.
      const headers = signRequest(request, { ...alice, time: Date.now() + 1_000 })
      expect(said(await authenticate(asking(headers)))).toBe('alice: trade')
    }
  }
})

test('what is not said has its default', () => {
  const secret = newSecret()
  const path = file('auth.json', { jwt: { ...ISSUED, secret }, keys: [key()] })
  expect(readAuthSettings(path)).toMatchObject({
    jwt: { algorithms: ['HS256'], clockToleranceS: 5, key: { kind: 'secret', secret } },
    apiKeys: { windowMs: 30_000, nonces: { perKey: 100_000, all: 1_000_000 } },
  })
  expect(readAuthSettings(file('keys.json', { keys: [key()] }))).not.toHaveProperty('jwt')
  const only = file('jwt.json', { jwt: { ...ISSUED, secret } })
  expect(readAuthSettings(only)).not.toHaveProperty('apiKeys')
})

test('all that is wrong is said at once, and no secret with it', () => {
  const said = problems({
    jwt: {
      issuer: '',
      algorithms: ['none'],
      clockToleranceS: 61,
      secret: 'hunter2',
      colour: 'red',
    },
    windowMs: 999,
    keys: [
      key({ secret: 'hunter2' }),
      key({ account: 'a.b' }),
      key({ scopes: ['everything'] }),
      { id: 'hunter 2' },
      'hunter2',
    ],
    passwrd: 'hunter2',
  })
  const expected = [
    /^jwt\.issuer is missing or not allowed; allowed: a text, as in the claim iss$/,
    /^jwt\.audience is missing or not allowed; allowed: a text/,
    /^jwt\.algorithms\.0 is missing or not allowed; allowed: some of HS256, EdDSA, ES256, RS256$/,
    /^jwt\.clockToleranceS is missing or not allowed; allowed: seconds, 0 to 60$/,
    /^jwt\.secret is missing or not allowed; allowed: 43 to 1024 characters, random$/,
    /^jwt\.colour is no setting$/,
    /^windowMs is missing or not allowed; allowed: ms, 1000 to 300000$/,
    /^keys\.0\.secret is missing or not allowed; allowed: 43 to 1024/,
    /^keys\.1\.account is missing or not allowed; allowed: the name of an account$/,
    /^keys\.2\.scopes\.0 is missing or not allowed; allowed: some of trade, read, admin$/,
    /^keys\.3\.id is missing or not allowed; allowed: 1 to 64 of/,
    /^keys\.3\.secret is missing/,
    /^keys\.3\.account is missing/,
    /^keys\.3\.scopes is missing/,
    /^keys\.4 is missing or not allowed; allowed: up to 10000 objects with id, secret/,
    /^passwrd is no setting$/,
  ]
  for (const [n, pattern] of expected.entries()) expect(said[n]).toMatch(pattern)
  expect(said).toHaveLength(expected.length)
  expect(said.join('\n')).not.toMatch(/hunter|everything/)
})

test('files that are none', () => {
  expect(problems('{"keys": [{"secret": "hunter2"')).toEqual([
    expect.stringMatching(/is not JSON$/),
  ])
  expect(problems('[]')[0]).toMatch(/^the file is missing or not allowed; allowed: an object/)
  expect(() => readAuthSettings(join(folder, 'none.json'))).toThrow(/cannot be read: ENOENT$/)
  const jwt = { ...ISSUED, publicKeyFile: 'none.pem' }
  expect(problems({ jwt })).toEqual([expect.stringMatching(/none\.pem cannot be read: ENOENT$/)])
})

test('settings that do not go together', () => {
  expect(problems({})).toEqual(['neither jwt nor keys: nobody could ask; name one of them'])
  expect(problems({ keys: [key(), key(), key({ id: 'b' })] })).toEqual([
    'the key alice-1 is there twice; give each an id of its own',
  ])
  const one = ['jwt has one of secret, publicKeyFile and jwksFile; leave out the others']
  expect(problems({ jwt: ISSUED })).toEqual(one)
  const { publicKey } = generateKeyPairSync('ed25519')
  file('ed.pem', pemOf(publicKey))
  const secret = newSecret()
  expect(problems({ jwt: { ...ISSUED, secret, publicKeyFile: 'ed.pem' } })).toEqual(one)
  // A public key with HS256 on the list would be a secret that everybody knows.
  const both = { ...ISSUED, publicKeyFile: 'ed.pem', algorithms: ['EdDSA', 'HS256', 'RS256'] }
  expect(problems({ jwt: both })).toEqual(['jwt.algorithms has HS256, RS256; with this key: EdDSA'])
  expect(problems({ jwt: { ...ISSUED, secret, algorithms: ['RS256'] } })).toEqual([
    'jwt.algorithms has RS256; with this key: HS256',
  ])
})

test('keys that are not public, too short, or of another kind', () => {
  const ed = generateKeyPairSync('ed25519')
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const privatePem = ed.privateKey.export({ type: 'pkcs8', format: 'pem' })
  for (const pem of [privatePem, pemOf(short.publicKey), pemOf(curve.publicKey), 'none']) {
    file('key.pem', pem)
    expect(problems({ jwt: { ...ISSUED, publicKeyFile: 'key.pem' } })).toEqual([
      'key.pem holds no public key for EdDSA, ES256 or RS256 (2048 bits up)',
    ])
  }
  const jwk = (each: KeyObject) => each.export({ format: 'jwk' })
  const set = (content: unknown) => {
    file('set.json', content)
    return problems({ jwt: { ...ISSUED, jwksFile: 'set.json' } })
  }
  const isNone = 'set.json: key 0 is no public key for EdDSA, ES256 or RS256'
  for (const each of [jwk(ed.privateKey), jwk(short.publicKey), { kty: 'oct', k: 'c2VjcmV0' }]) {
    expect(set({ keys: [each] })).toEqual([isNone])
  }
  expect(set({ keys: [] })).toEqual(['set.json holds no key'])
  expect(set({ key: [] })).toEqual(['set.json holds no JSON Web Key Set'])
  const good = jwk(ed.publicKey)
  const needsIds = ['set.json: each of several keys needs a kid of its own']
  expect(set({ keys: [good, { ...good, kid: 'a' }] })).toEqual(needsIds)
  expect(
    set({
      keys: [
        { ...good, kid: 'a' },
        { ...good, kid: 'a' },
      ],
    }),
  ).toEqual(needsIds)
  expect(
    set({
      keys: [
        { ...good, kid: 'a' },
        { ...good, kid: 'b' },
      ],
    }),
  ).toEqual([])
})
