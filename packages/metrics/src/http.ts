import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/** Options of {@link serveMetrics}. */
export interface ServeMetricsOptions {
  /** Whose metrics are served: a registry, or what gathers them from several processes. */
  registry: Pick<Registry, 'metrics' | 'contentType'>
  /**
   * Whether the server should be sent new connections: the status of `GET /readyz` is 200 when it gives true, 503 when it
   * gives the reason why not.
   *
   * @default always
   */
  ready?: (() => true | string) | undefined
  /**
   * Whether what does the work lives: the status of `GET /healthz` is 200 when it gives true, 503 when it gives the reason
   * why it is thought not to. For work in other processes: a process whose event loop is stuck answers nothing anyway.
   *
   * @default always
   */
  alive?: (() => true | string) | undefined
  /**
   * The address to listen on.
   *
   * @default '127.0.0.1'
   */
  host?: string | undefined
  /** The port to listen on; 0 picks a free one. */
  port: number
}

/** A running endpoint. */
export interface MetricsEndpoint {
  /** Where it listens. */
  readonly address: { readonly address: string; readonly port: number }
  /** Ends it, and the connections to it. */
  close(): Promise<void>
}

/**
 * Serves over HTTP `GET /metrics` in the form that Prometheus reads, and for load balancers and orchestrators
 * `GET /healthz` (200 or 503: whether it is alive) and `GET /readyz` (200 or 503: whether to send it new connections).
 *
 * @throws the system's error, with its code: `EADDRINUSE`, `EACCES`, …
 */
export async function serveMetrics(options: ServeMetricsOptions): Promise<MetricsEndpoint> {
  const { registry, host = '127.0.0.1', port, ready = () => true, alive = () => true } = options
  const pages: Pages = {
    '/metrics': async (response) => {
      const text = await registry.metrics()
      response.setHeader('content-type', registry.contentType)
      response.end(text)
    },
    '/healthz': (response) => sendAnswer(response, alive(), 'ok', 'not alive'),
    '/readyz': (response) => sendAnswer(response, ready(), 'ready', 'not ready'),
  }
  const http = createServer((request, response) => {
    void answer(pages, request, response)
  })
  await listen(http, host, port)
  // An error of a single accept: the listener goes on.
  http.on('error', (error) => process.emitWarning(error))
  const { address, port: bound } = http.address() as AddressInfo
  return {
    address: { address, port: bound },
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

function listen(http: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen({ host, port }, () => {
      http.off('error', reject)
      resolve()
    })
  })
}

type Pages = Readonly<Record<string, (response: ServerResponse) => void | Promise<void>>>

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A proxy asks for the whole address; a server has to take that too (RFC 9112, section 3.2.2).
  const [pathname = ''] = (request.url ?? '').replace(/^https?:\/\/[^/?]*/i, '').split('?', 1)
  const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined
  if (page === undefined) return sendText(response, 404, `not found; there are ${Object.keys(pages).join(', ')}\n`)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return sendText(response, 405, `${request.method} is not allowed; GET it\n`)
  }
  try {
    await page(response)
  } catch (error) {
    sendText(response, 500, `${pathname} can't be told: ${error instanceof Error ? error.message : error}\n`)
  }
}

function sendAnswer(response: ServerResponse, answer: true | string, yes: string, no: string): void {
  sendText(response, answer === true ? 200 : 503, answer === true ? `${yes}\n` : `${no}: ${answer}\n`)
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(text)
}
