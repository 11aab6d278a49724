// Where the reply to a message may go.

import type { Msg } from '@nats-io/transport-node'

/**
 * Characters of a reply subject. The server ends a connection on which a line has more than 4,096
 * bytes; one that cannot be decoded has three where it had one.
 */
const REPLY_CHARS_MAX = 1_000

/**
 * The subject; empty if there is none. To a subject of ours or of the server's own nobody is
 * answered: with our permissions it would be taken for our word there.
 */
export function replyTo(message: Msg): string {
  if (!mayHaveReply(message)) return ''
  const { reply = '' } = message
  if (reply.length > REPLY_CHARS_MAX) return ''
  return reply.startsWith('onefill.') || reply.startsWith('$') ? '' : reply
}

/**
 * False if the message is its subject and its data and nothing else. The client decodes the reply
 * subject whenever it is asked for, where there is none too: a tenth of what a message costs there.
 * It knows a message's size, without that its type says so.
 */
function mayHaveReply(message: Msg & { readonly size?: () => number }): boolean {
  const least = message.subject.length + message.data.length
  return message.size === undefined || message.size() > least
}
