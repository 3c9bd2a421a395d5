import type { FrameFormat, FrameReader } from '@demo/frame'
import { CodecError, ProtocolError } from '../api/server-errors.ts'

/** A user's protocol on the wire: its frames, and the messages in them. */
export interface MessageCodec<Message, Reply> {
  /** How the stream is cut into frames, for example `lengthPrefixed({ lengthBytes: 2 })` of `@demo/frame`. */
  readonly frames: FrameFormat

  /**
   * Decodes the payload of a frame: `bytes` from `start` to `end`. The bytes do not change (with `reuseReadBuffer`: until
   * the handler returns). They keep their whole chunk in memory, up to 64 KiB.
   *
   * @throws ProtocolError for a malformed message: the connection is closed as `packet-error`. Any other error is a bug in
   *   the codec: it is reported to `onError`, and the connection is closed as `internal-error`
   */
  decode(bytes: Uint8Array, start: number, end: number): Message

  /** Encodes a reply to the payload of a frame. It is copied before the next call: the codec may reuse the bytes. */
  encode(reply: Reply): Uint8Array
}

/** Calls a user's codec, and checks what it returns and throws. */
export class CheckedCodec<Message, Reply> {
  readonly frames: FrameFormat
  readonly #codec: MessageCodec<Message, Reply>

  constructor(codec: MessageCodec<Message, Reply>) {
    this.#codec = codec
    this.frames = codec.frames
  }

  /**
   * Decodes the payload that a reader found.
   *
   * @throws ProtocolError, CodecError
   */
  decode(reader: FrameReader): Message {
    try {
      return this.#codec.decode(reader.bytes, reader.start, reader.end)
    } catch (error) {
      throw error instanceof ProtocolError ? error : new CodecError('decode', error)
    }
  }

  /** @throws CodecError */
  encode(reply: Reply): Uint8Array {
    let payload: unknown
    try {
      payload = this.#codec.encode(reply)
      if (payload instanceof Uint8Array) {
        // Fails now, and not later when it is sent, if the format cannot express the length.
        this.frames.encodedLength(payload.length)
        return payload
      }
    } catch (error) {
      throw new CodecError('encode', error)
    }
    throw new CodecError('encode', new TypeError(`it returned ${typeof payload}: expected a Uint8Array`))
  }
}
