// Bearer tokens: who is let in, and every way in which a token is turned away.

import { createHmac, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import type { JwtSettings, TokenKey } from '../../src/gateway/http/auth/auth-settings.ts'
import { createAuthenticate, developmentAuth } from '../../src/gateway/http/auth/authenticator.ts'
import { TOKEN_CHARS_MAX } from '../../src/gateway/http/auth/bearer.ts'
import { TOKENS_MAX, TokenMemory } from '../../src/gateway/http/auth/token-memory.ts'
import { asking, START_MS, said } from './auth-support.ts'

const SECRET = randomBytes(32).toString('base64url')
const SECRET_KEY: TokenKey = { kind: 'secret', secret: SECRET }
const [ED, EC, RSA, OTHER_ED] = [
  generateKeyPairSync('ed25519'),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ed25519'),
]
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string
const START_S = START_MS / 1000

const BASE: JwtSettings = {
  ...{ issuer: 'https://login.example', audience: 'onefill', algorithms: ['HS256'] },
  ...{ clockToleranceS: 5, key: SECRET_KEY },
}
const CLAIMS: JWTPayload = {
  ...{ iss: 'https://login.example', aud: 'onefill', exp: START_S + 600 },
  ...{ account: 'alice', scopes: ['trade', 'read'] },
}

type Signing = { readonly alg: string; readonly key: KeyObject | Uint8Array; readonly kid?: string }
const SHARED: Signing = { alg: 'HS256', key: Buffer.from(SECRET) }

const tokenOf = (claims: JWTPayload = {}, { alg, key, kid }: Signing = SHARED) =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .sign(key)

/** What is said to a header `authorization`. */
async function answer(
  authorization: string,
  settings: Partial<JwtSettings> = {},
  nowMs = START_MS,
): Promise<string> {
  const authenticate = createAuthenticate({ jwt: { ...BASE, ...settings } }, () => nowMs)
  return said(await authenticate(asking({ authorization })))
}
const bearer = async (claims: JWTPayload = {}, signing: Signing = SHARED) =>
  `Bearer ${await tokenOf(claims, signing)}`

const INVALID = 'UNAUTHENTICATED: the token is not valid here; get a new one'
const ALICE = 'alice: read trade'

test('who is let in is told until when', async () => {
  const authenticate = createAuthenticate({ jwt: BASE }, () => START_MS)
  const principal = await authenticate(asking({ authorization: await bearer() }))
  expect(principal).toMatchObject({ account: 'alice', untilMs: START_MS + (600 + 5) * 1_000 })
})

test('each algorithm with its own kind of key', async () => {
  expect(await answer(await bearer())).toBe(ALICE)
  expect(await answer((await bearer()).replace('Bearer', 'bearer'))).toBe(ALICE)
  const pairs = [
    ['EdDSA', ED],
    ['ES256', EC],
    ['RS256', RSA],
  ] as const
  for (const [alg, { privateKey, publicKey }] of pairs) {
    const token = await bearer({}, { alg, key: privateKey })
    const key: TokenKey = { kind: 'public', pem: pemOf(publicKey) }
    expect([alg, await answer(token, { algorithms: [alg], key })]).toEqual([alg, ALICE])
  }
})

test('a set of keys: by kid, or by kind where one only fits', async () => {
  const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid })
  const set = {
    keys: [
      jwkOf(ED.publicKey, 'a'),
      jwkOf(OTHER_ED.publicKey, 'b'),
      jwkOf(RSA.publicKey, 'c'),
    ] as Extract<TokenKey, { kind: 'set' }>['set']['keys'],
  }
  const settings: Partial<JwtSettings> = {
    ...{ algorithms: ['EdDSA', 'ES256', 'RS256'], key: { kind: 'set', set } },
  }
  const [first, second] = [ED.privateKey, OTHER_ED.privateKey]
  const of = async (signing: Signing) => answer(await bearer({}, signing), settings)
  expect(await of({ alg: 'EdDSA', key: first, kid: 'a' })).toBe(ALICE)
  expect(await of({ alg: 'EdDSA', key: second, kid: 'b' })).toBe(ALICE)
  expect(await of({ alg: 'RS256', key: RSA.privateKey })).toBe(ALICE)
  expect(await of({ alg: 'EdDSA', key: second, kid: 'a' })).toBe(INVALID)
  expect(await of({ alg: 'EdDSA', key: first, kid: 'z' })).toBe(INVALID)
  expect(await of({ alg: 'EdDSA', key: first })).toBe(INVALID)
  expect(await of({ alg: 'ES256', key: EC.privateKey, kid: 'a' })).toBe(INVALID)
  expect(await of(SHARED)).toBe(INVALID)
})

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a public key is no secret, and none is no algorithm', async () => {
  // The old trick: an HS256 signature made with the text of the public key.
  for (const { publicKey } of [ED, EC, RSA]) {
    const pem = pemOf(publicKey)
    const der = publicKey.export({ type: 'spki', format: 'der' })
    const algorithms: JwtSettings['algorithms'] = ['EdDSA', 'ES256', 'RS256']
    for (const secret of [pem, pem.trim(), der]) {
      const head = `${base64url({ alg: 'HS256' })}.${base64url(CLAIMS)}`
      const signature = createHmac('sha256', secret).update(head).digest('base64url')
      const forged = `Bearer ${head}.${signature}`
      for (const algorithm of algorithms) {
        const settings: Partial<JwtSettings> = {
          ...{ algorithms: [algorithm], key: { kind: 'public', pem } },
        }
        expect(await answer(forged, settings)).toBe(INVALID)
      }
      // Settings that no file can say; even then the key is of another kind than the signature.
      const careless: Partial<JwtSettings> = {
        ...{ algorithms: ['HS256', ...algorithms], key: { kind: 'public', pem } },
      }
      await expect(answer(forged, careless)).rejects.toThrow(TypeError)
    }
  }
  for (const alg of ['none', 'None', 'NONE', '']) {
    const head = `${base64url({ alg })}.${base64url(CLAIMS)}`
    expect(await answer(`Bearer ${head}.${'A'.repeat(43)}`)).toBe(INVALID)
    expect(await answer(`Bearer ${head}.`)).toMatch(/not "Bearer" and a token/)
  }
})

test('what is not on the list, or not signed with our key', async () => {
  const hs512 = { alg: 'HS512', key: randomBytes(64) }
  expect(await answer(await bearer({}, hs512))).toBe(INVALID)
  const rightKey = { alg: 'HS512', key: Buffer.from(SECRET.repeat(2)) }
  const key: TokenKey = { kind: 'secret', secret: SECRET.repeat(2) }
  expect(await answer(await bearer({}, rightKey), { key })).toBe(INVALID)
  const wrongKey = { alg: 'HS256', key: randomBytes(32) }
  expect(await answer(await bearer({}, wrongKey))).toBe(INVALID)
  const ed = { alg: 'EdDSA', key: ED.privateKey }
  expect(await answer(await bearer({}, ed))).toBe(INVALID)
  // A key that comes with the token is its own witness.
  const jwk = ED.publicKey.export({ format: 'jwk' })
  const own = new SignJWT(CLAIMS).setProtectedHeader({ alg: 'EdDSA', jwk } as never)
  const settings: Partial<JwtSettings> = {
    ...{ algorithms: ['EdDSA'], key: { kind: 'public', pem: pemOf(OTHER_ED.publicKey) } },
  }
  expect(await answer(`Bearer ${await own.sign(ED.privateKey)}`, settings)).toBe(INVALID)
  const [head, , signature] = (await tokenOf()).split('.')
  const changed = base64url({ ...CLAIMS, account: 'bob' })
  expect(await answer(`Bearer ${head}.${changed}.${signature}`)).toBe(INVALID)
})

test('issuer, audience, expiry, not before', async () => {
  const elsewhere = /^UNAUTHENTICATED: the token is of another issuer or for another audience/
  for (const wrong of [{ iss: 'https://other.example' }, { aud: 'other' }, { aud: ['a', 'b'] }]) {
    expect(await answer(await bearer(wrong))).toMatch(elsewhere)
  }
  for (const missing of [{ iss: undefined }, { aud: undefined }] as unknown as JWTPayload[]) {
    expect(await answer(await bearer(missing))).toMatch(elsewhere)
  }
  expect(await answer(await bearer({ aud: ['other', 'onefill'] }))).toBe(ALICE)
  expect(await answer(await bearer({ exp: undefined } as never))).toMatch(/does not say when it/)
  expect(await answer(await bearer({ exp: '2027' } as never))).toMatch(/does not say when it/)
  expect(await answer(await bearer({ nbf: 'now' } as never))).toBe(INVALID)
  // Five seconds of tolerance, to the second.
  const expires = await bearer({ exp: START_S })
  expect(await answer(expires, {}, START_MS + 4_999)).toBe(ALICE)
  expect(await answer(expires, {}, START_MS + 5_000)).toMatch(/: the token has expired; get a new/)
  const begins = await bearer({ nbf: START_S })
  expect(await answer(begins, {}, START_MS - 5_000)).toBe(ALICE)
  expect(await answer(begins, {}, START_MS - 5_001)).toMatch(/: the token is not valid yet; wait/)
})

test('account and scopes', async () => {
  const noAccount = 'FORBIDDEN: the token names no account; get one with the claim account'
  for (const account of [undefined, '', 7, ['alice'], 'a.b', '*', '$fees', 'x'.repeat(37)]) {
    expect(await answer(await bearer({ account }))).toBe(noAccount)
  }
  for (const scopes of [undefined, [], 'trade', ['Trade'], [['trade']], { trade: true }]) {
    expect(await answer(await bearer({ scopes }))).toMatch(/^FORBIDDEN: the token names no scope/)
  }
  expect(await answer(await bearer({ scopes: ['read', 'openid', 'read'] }))).toBe('alice: read')
})

test('headers of the wrong form, and tokens too long', async () => {
  const form = /^UNAUTHENTICATED: the header authorization is not "Bearer" and a token/
  const token = await tokenOf()
  const wrong = ['', 'Bearer', `Basic ${token}`, token, `Bearer  ${token}`, `Bearer ${token} x`]
  for (const header of [...wrong, `Bearer ${token}.x`, `Bearer ${token}\n`]) {
    expect(await answer(header)).toMatch(form)
  }
  const long = await bearer({ text: 'x'.repeat(TOKEN_CHARS_MAX) })
  expect(await answer(long)).toMatch(/^UNAUTHENTICATED: the token is longer than is taken/)
})

test('a token has one text: bits that mean nothing are none', async () => {
  const token = await bearer()
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const taken: string[] = []
  for (const letter of letters) {
    if ((await answer(`${token.slice(0, -1)}${letter}`)) === ALICE) taken.push(letter)
  }
  expect(taken).toEqual([token.at(-1)])
})

test('a token that was found good: the verdict of a new check, at any time', async () => {
  let nowMs = START_MS
  const known = createAuthenticate({ jwt: BASE }, () => nowMs)
  const token = await bearer({ nbf: START_S - 60, exp: START_S + 60 })
  const edges = [-66, -65.001, -65, -64.999, 0, 64.001, 64.999, 65, 65.001, 66]
  // On and back, as a clock that is set does.
  for (const seconds of [...edges, ...edges.toReversed()]) {
    nowMs = START_MS + seconds * 1_000
    const verdict = said(await known(asking({ authorization: token })))
    expect([seconds, verdict]).toEqual([seconds, await answer(token, {}, nowMs)])
  }
  nowMs = START_MS
  expect(said(await known(asking({ authorization: token })))).toBe(ALICE)
  const [head, , signature] = token.split('.')
  const [, claims] = (await bearer({ account: 'bob' })).split('.')
  for (const other of [`${head}.${claims}.${signature}`, `${token.slice(0, -2)}AA`, `${token}A`]) {
    expect(said(await known(asking({ authorization: other })))).toBe(INVALID)
  }
  expect(said(await known(asking({ authorization: token })))).toBe(ALICE)
})

test('tokens are remembered up to a bound', () => {
  const memory = new TokenMemory(0)
  const exp = START_S + 1
  for (let n = 0; n <= TOKENS_MAX; n += 1) memory.remember(`t${n}`, { exp })
  expect(memory.size).toBe(1)
  expect(memory.recall(`t${TOKENS_MAX}`, START_MS)).toEqual({ exp })
  expect(memory.recall('t0', START_MS)).toBeUndefined()
  // One that has expired leaves nothing behind.
  expect(memory.recall(`t${TOKENS_MAX}`, START_MS + 1_000)).toBeUndefined()
  expect(memory.size).toBe(0)
})

test('development: a token at once, for this process alone', async () => {
  const [first, second] = [developmentAuth(() => START_MS), developmentAuth(() => START_MS)]
  const token = await first.token('bob')
  const admin = await first.token('bob', ['admin'])
  const answerOf = async (auth: typeof first, text: string, nowMs = START_MS) => {
    const authenticate = createAuthenticate(auth.settings, () => nowMs)
    return said(await authenticate(asking({ authorization: `Bearer ${text}` })))
  }
  expect(await answerOf(first, token)).toBe('bob: read trade')
  expect(await answerOf(first, admin)).toBe('bob: admin')
  expect(await answerOf(second, token)).toBe(INVALID)
  expect(await answerOf(first, token, START_MS + 86_400_000)).toMatch(/expired/)
  expect(() => first.token('no account')).toThrow('a token is for an account')
})
