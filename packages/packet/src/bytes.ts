/**
 * Bytes in any form that the platform has, as they lie in memory: a `Uint16Array` of one element is two bytes, and a view is
 * its part of the buffer.
 */
export type BytesLike = ArrayBufferView | ArrayBufferLike

/**
 * Bytes that were allocated here: a `Uint8Array<ArrayBuffer>`, as `WebSocket.send`, `Blob` and `fetch` require. This spelling
 * also works before TypeScript 5.7, where `Uint8Array` has no type parameter.
 */
export type NewBytes = ReturnType<typeof Uint8Array.of>

/**
 * The bytes of any value, as a view; nothing is copied. On a hot path check `value instanceof Uint8Array && value.length > 0`
 * first.
 *
 * @param name of the argument, for the error
 * @throws TypeError `ERR_PACKET_NOT_BYTES`
 */
export function bytesOf(value: unknown, name: string): Uint8Array {
  try {
    if (ArrayBuffer.isView(value)) {
      // A detached view has length 0, as has one whose resizable buffer has shrunk: this call throws for both.
      if (value.byteLength === 0 && !(value instanceof DataView)) Uint8Array.prototype.values.call(value as Uint8Array)
      return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    }
    if (isBuffer(value)) return new Uint8Array(value)
  } catch {
    throw notBytes(name, 'a view or buffer that is detached: it was transferred, or its buffer has shrunk')
  }
  throw notBytes(name, typeof value === 'string' ? 'a string: encode text with a TextEncoder' : kindOf(value))
}

function notBytes(name: string, got: string): TypeError {
  const message = `invalid ${name}: expected a TypedArray, DataView, ArrayBuffer or SharedArrayBuffer, got ${got}`
  return Object.assign(new TypeError(message), { code: 'ERR_PACKET_NOT_BYTES' as const })
}

/** A buffer of another realm, such as an iframe, is not an instance of this realm's ArrayBuffer. */
function isBuffer(value: unknown): value is ArrayBufferLike {
  return value instanceof ArrayBuffer || /^(Shared)?ArrayBuffer$/.test(classOf(value))
}

/** The class name of an object: `Array`, `Blob`. */
function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? `an object of class ${classOf(value)}` : `a ${typeof value}`
}
