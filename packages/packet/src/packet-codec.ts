import { type BytesLike, bytesOf, type NewBytes } from './bytes.ts'
import { createDecoders } from './decode.ts'
import { checkDialect, type Dialect } from './dialect.ts'
import { createEncoders, createWriteAck, encodedLength } from './encode.ts'
import type { ConnAckView, ConnView, Packet, PacketView, SubmitAckView, SubmitView } from './packet.ts'

/** Options of {@link createPacketCodec}. */
export interface PacketCodecOptions {
  /**
   * Which numbers the responses have on the wire.
   *
   * @default 'specification'
   */
  dialect?: Dialect | undefined
}

/**
 * Translates between packets and bytes, in one dialect. It has no state: use one codec for any number of connections.
 *
 * ```
 *  02 30 30 30 30 30 30 30 31 68 65 6c 6c 6f     Submit      { id: '00000001', payload: 'hello' }
 *  82 30 30 30 30 30 30 30 31 00                 SubmitAck   { id: '00000001', result: 0 }
 *  └┘ └────────ID, 8────────┘ └payload or result
 *  command
 * ```
 */
export interface PacketCodec {
  readonly dialect: Dialect

  /**
   * Decodes `bytes` from `start` to `end` (default: all of them) as one packet. The view keeps `bytes` in memory.
   *
   * @throws PacketError `ERR_PACKET_MALFORMED`, `ERR_PACKET_UNKNOWN_COMMAND`
   */
  decode(bytes: BytesLike, start?: number, end?: number): PacketView

  /**
   * The same for a client, which receives responses only.
   *
   * @throws PacketError as `decode` does; `ERR_PACKET_UNEXPECTED` for a request
   */
  decodeAck(bytes: BytesLike, start?: number, end?: number): ConnAckView | SubmitAckView

  /**
   * The same as `decode`, without a check of the type of `bytes`: for loops over the payloads of a `FrameDecoder`, which are
   * always a `Uint8Array`. The result for anything else is undefined.
   *
   * @throws PacketError as `decode` does
   */
  decodeUnchecked(bytes: Uint8Array, start: number, end: number): PacketView

  /**
   * The same as `decodeAck`, without a check of the type of `bytes`.
   *
   * @throws PacketError as `decodeAck` does
   */
  decodeAckUnchecked(bytes: Uint8Array, start: number, end: number): ConnAckView | SubmitAckView

  /**
   * The packet in new bytes.
   *
   * @throws PacketError `ERR_PACKET_INVALID` when the ID or the result is invalid
   */
  encode(packet: Packet): NewBytes

  /**
   * Writes the packet into `target` at `offset`.
   *
   * @returns the offset after it
   * @throws PacketError `ERR_PACKET_INVALID` when the ID or the result is invalid
   * @throws RangeError when it does not fit
   */
  encodeInto(packet: Packet, target: BytesLike, offset: number): number

  /**
   * Writes the response to a request, its ID copied byte for byte: always 10 bytes.
   *
   * @param result 0 success, 1 failure; not checked
   * @returns the offset after it
   * @throws RangeError when it does not fit
   */
  writeAck(request: ConnView | SubmitView, result: number, target: BytesLike, offset: number): number

  /**
   * The same without a check of the type of `target`, for hot loops. The result for anything but a `Uint8Array` is undefined.
   *
   * @throws RangeError when it does not fit
   */
  writeAckUnchecked(request: ConnView | SubmitView, result: number, target: Uint8Array, offset: number): number

  /** The length of the encoded packet in bytes. */
  encodedLength(packet: Packet): number
}

/**
 * Makes the codec of a dialect.
 *
 * @throws RangeError when the dialect is unknown
 */
export function createPacketCodec(options: PacketCodecOptions = {}): PacketCodec {
  const dialect = checkDialect(options.dialect ?? 'specification')
  const writeAck = createWriteAck(dialect)
  return {
    dialect,
    ...createDecoders(dialect),
    ...createEncoders(dialect),
    writeAck(request, result, target, offset) {
      return writeAck(request, result, target instanceof Uint8Array ? target : bytesOf(target, 'target'), offset)
    },
    writeAckUnchecked: writeAck,
    encodedLength,
  }
}
