// What describes the routes, for programs and for people: the OpenAPI document and a page made of
// it. Open to anybody; they say nothing of any account.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'

/** The page loads nothing from elsewhere and runs nothing but its own script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const PAGE = [
  { url: '/docs', file: 'docs.html', type: 'text/html; charset=utf-8' },
  { url: '/docs.js', file: 'docs.js', type: 'text/javascript; charset=utf-8' },
  { url: '/docs.css', file: 'docs.css', type: 'text/css; charset=utf-8' },
]

/** Adds the document and its page to a server's part for `/v1`. */
export function addDocuments(server: FastifyInstance, document: object): void {
  const text = JSON.stringify(document)
  server.get('/openapi.json', { exposeHeadRoute: false }, (_, reply) =>
    reply.type('application/json').send(text),
  )
  for (const { url, file, type } of PAGE) {
    const content = readFileSync(join(import.meta.dirname, 'page', file), 'utf8')
    server.get(url, { exposeHeadRoute: false }, (_, reply) =>
      reply
        .headers({ 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' })
        .type(type)
        .send(content),
    )
  }
}
