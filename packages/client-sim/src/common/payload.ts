import { types } from 'node:util'
import { ClientError } from './client-error.ts'

/** Bytes to send: any view of a buffer, or a buffer as a whole. */
export type Payload = ArrayBufferView | ArrayBufferLike

/**
 * The bytes of a payload. Nothing is copied.
 *
 * @param name of the argument, for the error
 * @throws TypeError `ERR_INVALID_ARG_TYPE` when it is neither a view nor a buffer
 * @throws ClientError `ERR_CLIENT_PAYLOAD` when its buffer is detached
 */
export function bytesOf(payload: unknown, name = 'payload'): Uint8Array {
  // A view of a detached buffer is empty.
  if (payload instanceof Uint8Array && payload.length > 0) return payload
  const isView = ArrayBuffer.isView(payload)
  if (!isView && !types.isAnyArrayBuffer(payload)) throw wrongType(payload, name)
  try {
    return isView ? new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength) : new Uint8Array(payload)
  } catch (cause) {
    throw new ClientError('ERR_CLIENT_PAYLOAD', `the ${name} is detached: its buffer was transferred`, { cause })
  }
}

function wrongType(payload: unknown, name: string): TypeError {
  const type = payload === null ? 'null' : typeof payload
  const hint = type === 'string' ? '; encode text first' : ''
  const message = `invalid ${name} of type ${type}: expected a Uint8Array, another view, or an ArrayBuffer${hint}`
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}
