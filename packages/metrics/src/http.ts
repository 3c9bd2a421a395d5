import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/** Options of {@link serveMetrics}. */
export interface ServeMetricsOptions {
  /** The metrics to serve: a registry, or an object that aggregates those of several processes. */
  registry: Pick<Registry, 'metrics' | 'contentType'>
  /**
   * Whether the server should get new connections: the status of `GET /readyz` is 200 when this returns true, 503 when it
   * returns the reason.
   *
   * @default always
   */
  ready?: (() => true | string) | undefined
  /**
   * Whether the process that does the work is alive: the status of `GET /healthz` is 200 when this returns true, 503 when it
   * returns the reason. Needed only for work in other processes: a process whose event loop is stuck does not answer.
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
  /** The address it listens on. */
  readonly address: { readonly address: string; readonly port: number }
  /** Stops listening, and closes all connections. */
  close(): Promise<void>
}

/**
 * Serves `GET /metrics` over HTTP for Prometheus; and for load balancers and orchestrators `GET /healthz` (200 or 503: whether
 * it is alive) and `GET /readyz` (200 or 503: whether it should get new connections).
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
  // An error of one accept: the listener goes on.
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
  // A proxy sends the absolute form of the URL; a server must accept it (RFC 9112, section 3.2.2).
  const [pathname = ''] = (request.url ?? '').replace(/^https?:\/\/[^/?]*/i, '').split('?', 1)
  const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined
  if (page === undefined) return sendText(response, 404, `not found: expected ${Object.keys(pages).join(', ')}\n`)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return sendText(response, 405, `invalid method ${request.method}: expected GET or HEAD\n`)
  }
  try {
    await page(response)
  } catch (error) {
    sendText(response, 500, `${pathname} failed: ${error instanceof Error ? error.message : error}\n`)
  }
}

function sendAnswer(response: ServerResponse, answer: true | string, yes: string, no: string): void {
  sendText(response, answer === true ? 200 : 503, answer === true ? `${yes}\n` : `${no}: ${answer}\n`)
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(text)
}
