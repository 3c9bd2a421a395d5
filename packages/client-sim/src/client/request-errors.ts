import { ClientError } from '../common/client-error.ts'
import type { ClientLimits } from './client-options.ts'
import type { InFlight } from './in-flight.ts'
import type { Request } from './request.ts'
import type { RequestQueue } from './request-queue.ts'

export const closedBefore = () => new ClientError('ERR_CLIENT_CLOSED', 'the client is closed: connect again')

export function destroyed(cause?: Error): ClientError {
  const why = cause === undefined ? '' : `: ${cause.message}`
  return new ClientError('ERR_CLIENT_DESTROYED', `the client was destroyed${why}`, { cause })
}

export const closedInTime = (timeout: number) =>
  new ClientError('ERR_CLIENT_DESTROYED', `the client was closed, and waited ${timeout} ms for the answers`)

export const silent = (timeout: number, owed: number) =>
  new ClientError('ERR_CLIENT_SILENT', `the server sent nothing for ${timeout} ms, and owes ${owed} answers`)

export const payloadTooLong = (size: number, longest: number) =>
  new ClientError('ERR_CLIENT_PAYLOAD', `the payload is ${size} bytes long; it must be at most ${longest}`)

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
  const why = abandoned === 0 ? '' : `: ${abandoned} requests that were given up still wait for their answers`
  return new ClientError('ERR_CLIENT_TIMEOUT', `the window had no room within ${timeout} ms${why}`)
}
