// Discovery and statistics by the NATS services protocol (ADR-32 of its architecture documents):
// three questions, to all services, to those of our name, or to this one.

import { nuid } from '@nats-io/transport-node'

const NAME = 'onefill'

/** Whoever serves an exchange answers this. */
export const PING_SUBJECT = `$SRV.PING.${NAME}`

const PREFIX = 'io.nats.micro.v1'

const VERBS = ['PING', 'INFO', 'STATS'] as const
export type ServiceVerb = (typeof VERBS)[number]

/** What is counted of one endpoint. */
export interface EndpointCounts {
  requests: number
  errors: number
  lastError: string
  /** Time spent in its callback; what goes on later, the commit above all, is not in it. */
  processingMs: number
}

export interface Endpoint {
  readonly name: string
  readonly subject: string
  readonly counts: EndpointCounts
}

export const newCounts = (): EndpointCounts => ({
  ...{ requests: 0, errors: 0, lastError: '', processingMs: 0 },
})

/** The protocol's word for what a service says about itself: names and values, all texts. */
export type Metadata = { readonly [name: string]: string }

export class ServiceInfo {
  /** Tells this process from others of the same name. */
  readonly id = nuid.next()
  private readonly version: string
  private readonly endpoints: readonly Endpoint[]
  private readonly started = new Date().toISOString()
  metadata: Metadata = {}

  /** `version` is a semantic one. */
  constructor(version: string, endpoints: readonly Endpoint[]) {
    this.version = version
    this.endpoints = endpoints
  }

  /** Where to listen, and for which question. */
  get subjects(): { readonly subject: string; readonly verb: ServiceVerb }[] {
    return VERBS.flatMap((verb) =>
      ['', `.${NAME}`, `.${NAME}.${this.id}`].map((to) => ({ subject: `$SRV.${verb}${to}`, verb })),
    )
  }

  /** The answer, an object for JSON. */
  answer(verb: ServiceVerb): object {
    const { id, version } = this
    const head = { name: NAME, id, version, metadata: this.metadata }
    switch (verb) {
      case 'PING':
        return { type: `${PREFIX}.ping_response`, ...head }
      case 'INFO':
        return {
          ...{ type: `${PREFIX}.info_response`, ...head },
          description: 'Matching and risk engine: orders in, fills out',
          endpoints: this.endpoints.map((endpoint) => ({ ...naming(endpoint), metadata: {} })),
        }
      case 'STATS':
        return {
          ...{ type: `${PREFIX}.stats_response`, ...head, started: this.started },
          endpoints: this.endpoints.map((endpoint) => ({
            ...naming(endpoint),
            ...statistics(endpoint.counts),
          })),
        }
    }
  }
}

/** No queue groups: one process leads, and it alone answers. */
const naming = ({ name, subject }: Endpoint) => ({ name, subject, queue_group: '' })

function statistics({ requests, errors, lastError, processingMs }: EndpointCounts): object {
  const nanos = Math.round(processingMs * 1e6)
  return {
    ...{ num_requests: requests, num_errors: errors, last_error: lastError },
    processing_time: nanos,
    average_processing_time: requests === 0 ? 0 : Math.trunc(nanos / requests),
  }
}
