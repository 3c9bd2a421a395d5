import { ClientError } from '../common/client-error.ts'
import type { ClientLimits } from './client-options.ts'
import type { InFlight } from './in-flight.ts'
import type { Request } from './request.ts'
import type { RequestQueue } from './request-queue.ts'

export const alreadyClosed = () => new ClientError('ERR_CLIENT_CLOSED', 'the client is closed: connect again')

export function destroyed(cause?: Error): ClientError {
  const why = cause === undefined ? '' : `: ${cause.message}`
  return new ClientError('ERR_CLIENT_DESTROYED', `the client was destroyed${why}`, { cause })
}

export const closeTimedOut = (timeout: number) =>
  new ClientError('ERR_CLIENT_DESTROYED', `the client was closed, and not all answers came within ${timeout} ms`)

export const silent = (timeout: number, inFlight: number) =>
  new ClientError('ERR_CLIENT_SILENT', `the server sent nothing for ${timeout} ms with ${inFlight} requests in flight`)

export const payloadTooLong = (size: number, longest: number) =>
  new ClientError('ERR_CLIENT_PAYLOAD', `invalid payload of ${size} bytes: expected at most ${longest}`)

export const payloadLost = () =>
  new ClientError('ERR_CLIENT_PAYLOAD', 'the payload was detached or resized while the request waited')

export const noMemory = (size: number, cause: unknown) =>
  new ClientError('ERR_CLIENT_PAYLOAD', `there is no memory for a frame of ${size} bytes`, { cause })

export function queueFull({ waiting, waitingBytes }: RequestQueue, limits: ClientLimits): ClientError {
  const held = `${waiting} requests of ${waitingBytes} bytes wait for the window`
  const most = `maxQueue is ${limits.maxQueue}, maxQueueBytes is ${limits.maxQueueBytes}`
  return new ClientError('ERR_CLIENT_QUEUE_FULL', `the queue is full: ${held}; ${most}; await client.ready()`)
}

export function timedOut({ sent, timeout }: Request, { abandoned }: InFlight): ClientError {
  if (sent) return new ClientError('ERR_CLIENT_TIMEOUT', `no answer came within ${timeout} ms`, { sent })
  const why = abandoned === 0 ? '' : `: ${abandoned} requests that timed out or were aborted are still in flight`
  return new ClientError('ERR_CLIENT_TIMEOUT', `the window had no room within ${timeout} ms${why}`)
}
