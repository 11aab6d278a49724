// Addresses of NATS: lists with commas, users and passwords, and what cannot be used.

import { expect, test } from 'vitest'
import { addressesOf, connectionOf, hostsOf } from '../../src/gateway/nats-address.ts'
import { NatsProblem } from '../../src/gateway/nats-problem.ts'

test('a comma parts addresses, or belongs to a password where none has ended', () => {
  const cases: [string, string[]][] = [
    ['nats://h', ['nats://h']],
    ['nats://h1:1,tls://h2,h3', ['nats://h1:1', 'tls://h2', 'h3']],
    ['h1:1,u:p@h2', ['h1:1', 'u:p@h2']],
    ['nats://u:p@h1,u2:p@h2', ['nats://u:p@h1', 'u2:p@h2']],
    ['nats://u:a,b,c@h1,nats://u:d,e@h2', ['nats://u:a,b,c@h1', 'nats://u:d,e@h2']],
    // What is no address stays in the list, for whoever looks at each.
    ['h1,,h2', ['h1', ',h2']],
    ['h,', ['h', '']],
    ['', ['']],
  ]
  for (const [list, addresses] of cases)
    expect([list, addressesOf(list)]).toEqual([list, addresses])
})

test('user and password are taken from the first that has them, hosts from all', () => {
  expect(connectionOf('nats://h1,nats://u:a,b%25@h2:5,tls://h3')).toEqual({
    ...{ servers: ['h1:4222', 'h2:5', 'h3:4222'], tls: {} },
    ...{ user: 'u', pass: 'a,b%', inboxPrefix: '_INBOX.u' },
  })
  expect(hostsOf('nats://h1,nats://u:a,b%25@h2:5,tls://h3')).toBe('h1:4222, h2:5, h3:4222')
  expect(connectionOf("nats://to'ken@h")).toEqual({ servers: ['h:4222'], token: "to'ken" })
})

test('what cannot be used is a problem, of which nothing is told', () => {
  const cases = [
    ['nats://secret:100%secret@h:5', /: a % in user or password is written %25\.$/],
    ['nats://100%secret@h', /: a % in user or password is written %25\.$/],
    ['nats://h1,nats://u:secret@h2:x', /: an address is none\.$/],
    ['h1,,h2', /: an address is none\.$/],
    [
      'nats://u:12,34secret@h',
      /begins with nats:\/\/, and a comma in a password is written %2C\.$/,
    ],
    ['nats://tok,ensecret@h', /a comma in a password is written %2C\.$/],
    ['', /: an address is none\.$/],
  ] as const
  for (const [url, why] of cases) {
    for (const take of [connectionOf, hostsOf]) {
      expect(() => take(url)).toThrow(NatsProblem)
      expect(() => take(url)).toThrow(why)
      expect(() => take(url)).not.toThrow('secret')
    }
  }
})
