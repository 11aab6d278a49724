// The way in to a stream: an HTTP request that says who asks, as every other, and is then no
// request any more.
//
// Browsers cannot set headers here, so a token may come as a subprotocol too, which is a header
// that they can set; never in the address, which ends in logs.

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { WebSocketServer } from 'ws'
import { STREAM_READ_BYTES_MAX } from '../../bounds.ts'
import { sendProblem } from '../front.ts'
import type { Authenticate, AuthRefusal, Principal, Throttles } from '../principal.ts'
import { isProblem, type Problem, problemOf } from '../problem.ts'
import type { Streams } from './streams.ts'

export interface DoorOptions {
  readonly authenticate: Authenticate
  readonly throttles: Throttles
  readonly streams: Streams
  readonly onRefused: (code: string) => void
  readonly onError: (error: unknown) => void
}

const PATH = '/v1/stream'
/** What is spoken; a client that names subprotocols names this one among them. */
const PROTOCOL = 'onefill.v1'
/** Before a bearer token, where it comes as a subprotocol. */
const BEARER = 'onefill.bearer.'
/** A peer that does not answer that it is closed is cut off, in ms. */
const CLOSE_MS = 2_000
/** Pieces that a message may come in, and pieces that are read and not used yet. */
const [FRAGMENTS_MAX, CHUNKS_MAX] = [64, 1_024]

const NO_BODY = new Uint8Array(0)

/** Lets streams in at `/v1/stream`; `part` is a server's part for `/v1`. */
export function addDoor(part: FastifyInstance, options: DoorOptions): void {
  const sockets = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, closeTimeout: CLOSE_MS },
    ...{ maxPayload: STREAM_READ_BYTES_MAX, maxFragments: FRAGMENTS_MAX },
    // A ping is a message like any other, and counted; what is no UTF-8 is refused as malformed.
    ...{ maxBufferedChunks: CHUNKS_MAX, autoPong: false, skipUTF8Validation: true },
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  })
  const refuse = (socket: Duplex, problem: Problem) => {
    options.onRefused(problem.code)
    answer(socket, problem)
  }
  sockets.on('wsClientError', (error, socket) => {
    refuse(socket, problemOf('MALFORMED', { field: 'Sec-WebSocket', detail: error.message }))
  })
  const { server } = part
  // Whatever else a client would rather speak: it is answered as if it had not said so.
  Object.assign(server, { shouldUpgradeCallback: isWebSocket })
  server.on('upgrade', (request, socket, head) => {
    // It may be gone before it is answered.
    socket.on('error', hangUp)
    letIn(request, options).then(
      (principal) => {
        if (isProblem(principal)) return refuse(socket, principal)
        // In one go with taking it in: two that come at once are counted one after the other.
        const full = options.streams.refusalFor(principal.account)
        if (full !== undefined) return refuse(socket, full)
        socket.removeListener('error', hangUp)
        sockets.handleUpgrade(request, socket, head, (stream) => {
          options.streams.add(stream, principal)
        })
      },
      (error) => {
        options.onError(error)
        refuse(socket, problemOf('INTERNAL'))
      },
    )
  })
  part.get('/stream', { exposeHeadRoute: false }, (_, reply) =>
    sendProblem(reply.header('upgrade', 'websocket'), problemOf('UPGRADE_REQUIRED')),
  )
}

/** Who asks and may, or why not. */
async function letIn(request: IncomingMessage, options: DoorOptions): Promise<Principal | Problem> {
  const { authenticate, throttles } = options
  const { url = '', method = 'GET' } = request
  const [path, query] = url.split('?')
  if (path !== PATH) return problemOf('NOT_FOUND')
  if (query !== undefined) return problemOf('MALFORMED', { field: 'url', detail: NO_QUERY })
  const headers = headersOf(request)
  if (isProblem(headers)) return headers
  const principal = await authenticate({ method, url, headers, body: NO_BODY })
  if ('kind' in principal) return problemOf(principal.code, { detail: principal.text })
  const wait = await throttles.requests?.(principal.account, 1)
  return wait === undefined ? principal : problemOf('RATE_LIMITED', wait)
}

/** No closure: as long as the stream lives, it would keep the request. */
function hangUp(this: Duplex): void {
  this.destroy()
}

/** As Node asks; its types do not know the question yet. */
const isWebSocket = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket'

type Headers = Readonly<Record<string, string | undefined>>

/** The request's headers, with a token among the subprotocols as what it stands for. */
function headersOf({ headers }: IncomingMessage): Headers | Problem {
  const single = Object.entries(headers).filter(([, value]) => typeof value === 'string')
  const all = Object.fromEntries(single) as Headers
  const said = all['sec-websocket-protocol']
  if (said === undefined) return all
  const field = 'Sec-WebSocket-Protocol'
  const offered = said.split(',').map((each) => each.trim())
  if (!offered.includes(PROTOCOL)) return problemOf('MALFORMED', { field, detail: NO_PROTOCOL })
  const tokens = offered.filter((each) => each.startsWith(BEARER))
  if (tokens.length === 0) return all
  const isTwice = tokens.length > 1 || all.authorization !== undefined
  if (isTwice) return problemOf(TWO_SENT.code, { detail: TWO_SENT.text })
  return { ...all, authorization: `Bearer ${tokens[0].slice(BEARER.length)}` }
}

const TWO_SENT: AuthRefusal = {
  ...{ kind: 'refused', code: 'UNAUTHENTICATED' },
  text: 'send one token, in the header authorization or as a subprotocol',
}
const NO_QUERY = 'a stream has no parameters; tokens do not go into addresses'
const NO_PROTOCOL = `whoever names subprotocols names ${PROTOCOL} among them`

/** Answers on a connection that is no server's any more. */
function answer(socket: Duplex, { status, headers, body }: Problem): void {
  const text = JSON.stringify(body)
  const lines = Object.entries({
    ...{ 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    ...{ 'content-length': String(Buffer.byteLength(text)), connection: 'close' },
  }).map(([name, value]) => `${name}: ${value}`)
  const first = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`
  socket.end([first, ...lines, '', text].join('\r\n'))
  // Who does not hang up is hung up on.
  setTimeout(() => socket.destroy(), CLOSE_MS).unref()
}
