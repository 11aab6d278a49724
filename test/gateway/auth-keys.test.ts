// Requests signed with API keys: what the signature holds fast, and for how long and how often.

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { KeySettings } from '../../src/gateway/http/auth/auth-settings.ts'
import {
  createAuthenticate,
  developmentAuth,
  type Signer,
  signRequest,
} from '../../src/gateway/http/auth/authenticator.ts'
import { Nonces } from '../../src/gateway/http/auth/nonces.ts'
import type { SignedRequest } from '../../src/gateway/http/principal.ts'
import { Prng } from '../support/prng.ts'
import { asking, NOTHING, START_MS, said } from './auth-support.ts'

const WINDOW_MS = 30_000
const newSecret = () => randomBytes(32).toString('base64url')
const [ALICE, BOB] = [
  { id: 'alice-1', secret: newSecret() },
  { id: 'bob-1', secret: newSecret() },
]
const SETTINGS: KeySettings = {
  keys: [
    { ...ALICE, account: 'alice', scopes: ['trade', 'read'] },
    { ...BOB, account: 'bob', scopes: ['read'] },
  ],
  ...{ windowMs: WINDOW_MS, nonces: { perKey: 5_000, all: 6_000 } },
}

/** A gateway with a clock of its own; it has been running for two windows. */
function gateway(settings: Partial<KeySettings> = {}) {
  const clock = { ms: START_MS - 2 * WINDOW_MS }
  const authenticate = createAuthenticate({ apiKeys: { ...SETTINGS, ...settings } }, () => clock.ms)
  clock.ms = START_MS
  const ask = async (request: SignedRequest) => said(await authenticate(request))
  return { clock, ask }
}

const ORDER = { method: 'POST', url: '/v1/orders?x=1', body: Buffer.from('{"symbol":"NVDA"}') }

/** An order signed by alice, at the time when the clocks of these tests begin. */
const signed = (signer: Partial<Signer> = {}): SignedRequest => ({
  ...ORDER,
  headers: signRequest(ORDER, { ...ALICE, time: START_MS, ...signer }),
})
const without = (request: SignedRequest, name: string): SignedRequest => ({
  ...request,
  headers: { ...request.headers, [name]: undefined },
})
const having = (request: SignedRequest, headers: SignedRequest['headers']): SignedRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
})

const INVALID = /^UNAUTHENTICATED: the key or the signature is not right; check/
const INCOMPLETE = /^UNAUTHENTICATED: a signed request has onefill-key, onefill-time, onefill-n/
const TIME = /^UNAUTHENTICATED: onefill-time is too far from the exchange's time; set the clock/
const USED = /^UNAUTHENTICATED: onefill-nonce was used before; sign again with a new one/
const FULL = /^UNAUTHENTICATED: too many requests were signed of late to tell repeats/

test('who has the secret is let in, as its account', async () => {
  const { ask } = gateway()
  expect(await ask(signed())).toBe('alice: read trade')
  expect(await ask(signed(BOB))).toBe('bob: read')
  const get = { method: 'GET', url: '/v1/accounts/alice' }
  const headers = signRequest(get, { ...ALICE, time: START_MS })
  expect(await ask(asking(headers))).toBe('alice: read trade')
})

test('what is signed is what docs/http-auth.md says', async () => {
  const { ask } = gateway()
  const nonce = 'a-nonce_of-16chr'
  const lines = [
    ...['onefill-hmac-sha256', 'POST', '/v1/orders?x=1', String(START_MS), nonce],
    createHash('sha256').update(ORDER.body).digest('hex'),
  ]
  const signature = createHmac('sha256', ALICE.secret).update(lines.join('\n')).digest('hex')
  const headers = {
    ...{ 'onefill-key': 'alice-1', 'onefill-time': String(START_MS), 'onefill-nonce': nonce },
    'onefill-signature': signature,
  }
  expect(signRequest(ORDER, { ...ALICE, time: START_MS, nonce })).toEqual(headers)
  expect(await ask({ ...ORDER, headers })).toBe('alice: read trade')
})

test('nothing of a signed request can be changed', async () => {
  const { ask } = gateway()
  const request = signed()
  const changed: SignedRequest[] = [
    { ...request, method: 'PUT' },
    { ...request, method: 'post' },
    { ...request, url: '/v1/orders?x=2' },
    { ...request, url: '/v1/orders' },
    { ...request, url: '/v1/orders?x=1&y=2' },
    { ...request, body: NOTHING },
    { ...request, body: Buffer.from('{"symbol":"NVDB"}') },
    { ...request, body: Buffer.from('{"symbol":"NVDA"} ') },
    having(request, { 'onefill-time': String(START_MS + 1) }),
    having(request, { 'onefill-nonce': 'x'.repeat(22) }),
    having(request, { 'onefill-key': 'bob-1' }),
    having(request, { 'onefill-signature': '0'.repeat(64) }),
  ]
  for (const each of changed) expect(await ask(each)).toMatch(INVALID)
  // None of these has spent the nonce.
  expect(await ask(request)).toBe('alice: read trade')
})

test('an unknown key reads as a wrong signature, whatever is sent with it', async () => {
  const { ask } = gateway()
  const unknown = await ask(signed({ id: 'nobody' }))
  const wrong = await ask(signed({ secret: newSecret() }))
  expect(unknown).toMatch(INVALID)
  expect(unknown).toBe(wrong)
  // A nonce that was used is spoken of only to who has the secret.
  const used = signed()
  await ask(used)
  const nonce = used.headers['onefill-nonce']!
  expect(await ask(signed({ secret: newSecret(), nonce }))).toBe(wrong)
  expect(await ask(signed({ nonce }))).toMatch(USED)
  // The names of objects' own parts are no keys.
  for (const id of ['constructor', '__proto__']) expect(await ask(signed({ id }))).toBe(wrong)
})

test('the window: its edges are inside, either way', async () => {
  const { ask, clock } = gateway()
  clock.ms = START_MS + WINDOW_MS
  expect(await ask(signed())).toBe('alice: read trade')
  clock.ms = START_MS + WINDOW_MS + 1
  expect(await ask(signed())).toMatch(TIME)
  clock.ms = START_MS - WINDOW_MS
  expect(await ask(signed())).toBe('alice: read trade')
  clock.ms = START_MS - WINDOW_MS - 1
  expect(await ask(signed())).toMatch(TIME)
})

test('a request is taken once, as long as it could be taken at all', async () => {
  const { ask, clock } = gateway()
  // As early as can be: the client's clock is a window ahead.
  const request = signed({ time: START_MS + WINDOW_MS })
  expect(await ask(request)).toBe('alice: read trade')
  for (const ms of [0, 1, WINDOW_MS, 2 * WINDOW_MS - 1, 2 * WINDOW_MS]) {
    clock.ms = START_MS + ms
    expect(await ask(request)).toMatch(USED)
  }
  clock.ms = START_MS + 2 * WINDOW_MS + 1
  expect(await ask(request)).toMatch(TIME)
  // The same nonce of another key is another nonce.
  const nonce = request.headers['onefill-nonce']!
  expect(await ask(signed({ ...BOB, nonce, time: clock.ms }))).toBe('bob: read')
})

test('what was signed before the process started may have been taken before', async () => {
  const authenticate = createAuthenticate({ apiKeys: SETTINGS }, () => START_MS)
  expect(said(await authenticate(signed({ time: START_MS - 1 })))).toMatch(/: the request was sig/)
  expect(said(await authenticate(signed()))).toBe('alice: read trade')
})

test('thousands of nonces: bounded, none forgotten too early, room again in time', async () => {
  const { ask, clock } = gateway()
  const requests = Array.from({ length: 5_000 }, () => signed())
  for (const request of requests) expect(await ask(request)).toBe('alice: read trade')
  // Full for alice: a new one is refused, an old one is still known; bob has room of his own.
  expect(await ask(signed())).toMatch(FULL)
  for (const request of requests) expect(await ask(request)).toMatch(USED)
  for (let n = 0; n < 1_000; n += 1) expect(await ask(signed(BOB))).toBe('bob: read')
  expect(await ask(signed(BOB))).toMatch(FULL)
  clock.ms = START_MS + 2 * WINDOW_MS
  expect(await ask(signed({ time: clock.ms }))).toMatch(FULL)
  clock.ms += 1
  expect(await ask(signed({ time: clock.ms }))).toBe('alice: read trade')
  expect(await ask(signed({ ...BOB, time: clock.ms }))).toBe('bob: read')
})

test('nonces that are forgotten leave nothing behind', () => {
  const nonces = new Nonces(10, { perKey: 1_000, all: 1_000 })
  for (let n = 0; n < 1_000; n += 1) expect(nonces.take('a', String(n), 0)).toBe('taken')
  expect(nonces.take('b', 'x', 9)).toBe('full')
  expect(nonces.take('b', 'x', 10)).toBe('taken')
  expect(nonces.size).toBe(1)
  // A clock that goes back lets nothing in twice.
  expect(nonces.take('b', 'x', 5)).toBe('used')
})

test('headers that are missing or not well-formed', async () => {
  const { ask } = gateway()
  const request = signed()
  for (const name of Object.keys(request.headers)) {
    expect(await ask(without(request, name))).toMatch(INCOMPLETE)
    for (const value of ['', ' ', 'x', '-1', `${request.headers[name]}, more`, 'é'.repeat(20)]) {
      // A short id is a good one, and says nothing.
      if (name === 'onefill-key' && ['x', '-1'].includes(value)) continue
      expect([value, await ask(having(request, { [name]: value }))]).toEqual([
        value,
        expect.stringMatching(INCOMPLETE),
      ])
    }
  }
  const upper = request.headers['onefill-signature']!.toUpperCase()
  expect(await ask(having(request, { 'onefill-signature': `${upper.slice(0, 63)}F` }))).toMatch(
    INCOMPLETE,
  )
  expect(await ask(request)).toBe('alice: read trade')
})

test('a token or a signature, never both, and only what is taken here', async () => {
  const { ask } = gateway()
  const tokens = developmentAuth(() => START_MS)
  const authorization = `Bearer ${await tokens.token('alice')}`
  expect(await ask(asking({}))).toMatch(/^UNAUTHENTICATED: send a bearer token in the header auth/)
  expect(await ask(asking({ authorization }))).toMatch(/: bearer tokens are not taken here; sign/)
  expect(await ask(having(signed(), { authorization }))).toMatch(/: send a bearer token or a sig/)
  const byToken = createAuthenticate(tokens.settings, () => START_MS)
  expect(said(await byToken(signed()))).toMatch(/: signed requests are not taken here; send a bea/)
  const both = createAuthenticate({ ...tokens.settings, apiKeys: SETTINGS }, () => START_MS)
  expect(said(await both(signed()))).toBe('alice: read trade')
  expect(said(await both(asking({ authorization })))).toBe('alice: read trade')
  expect(said(await both(having(signed(), { authorization })))).toMatch(/not both/)
})

test('whatever stands in the headers, there is an answer, and nobody is let in', async () => {
  const tokens = developmentAuth(() => START_MS)
  const settings = { ...tokens.settings, apiKeys: SETTINGS }
  const authenticate = createAuthenticate(settings, () => START_MS)
  const token = await tokens.token('alice')
  const seed = randomBytes(4).readUInt32LE()
  const random = new Prng(seed)
  const bytes = (count: number) =>
    String.fromCharCode(...Array.from({ length: count }, () => random.int(0, 255)))
  /** The text with a few characters changed, cut out or put in. */
  const spoiled = (text: string) => {
    let spoilt = text
    for (let n = random.int(1, 4); n > 0; n -= 1) {
      const at = random.int(0, spoilt.length)
      const cut = random.int(0, 3)
      spoilt =
        spoilt.slice(0, at) + bytes(random.int(cut === 0 ? 1 : 0, 3)) + spoilt.slice(at + cut)
    }
    return spoilt
  }
  for (let n = 0; n < 20_000; n += 1) {
    const request = signed()
    const good = random.chance(0.5) ? { authorization: `Bearer ${token}` } : request.headers
    const headers: Record<string, string | undefined> = { ...good }
    const name = random.pick(Object.keys(headers))
    headers[name] = random.chance(0.8) ? spoiled(headers[name]!) : bytes(random.int(0, 5_000))
    // `bearer` may be written in any case, and a change can be none.
    const isSame = headers[name].toLowerCase() === (good as typeof headers)[name]!.toLowerCase()
    if (isSame) continue
    const answer = await authenticate({ ...request, headers })
    expect([seed, headers, answer]).toEqual([
      seed,
      headers,
      expect.objectContaining({ text: expect.any(String) }),
    ])
  }
})
