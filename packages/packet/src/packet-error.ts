/**
 * What is wrong with a packet. Match these codes, never the message:
 *
 * - `ERR_PACKET_MALFORMED`: the packet is empty, a request under 9 bytes, or a response that is not 10 bytes.
 * - `ERR_PACKET_UNKNOWN_COMMAND`: the first byte is not a command of this dialect.
 * - `ERR_PACKET_UNEXPECTED`: a valid packet in the wrong place: a response sent to a server, a request sent to a
 *   client, a second Conn, a Submit before a required Conn succeeded.
 * - `ERR_PACKET_INVALID`: a packet to encode has an unknown command, an ID that is not eight characters of one
 *   byte each, or a result that is not one byte.
 */
export type PacketErrorCode =
  | 'ERR_PACKET_MALFORMED'
  | 'ERR_PACKET_UNKNOWN_COMMAND'
  | 'ERR_PACKET_UNEXPECTED'
  | 'ERR_PACKET_INVALID'

/** A packet that breaks the protocol. */
export class PacketError extends Error {
  override readonly name = 'PacketError'
  readonly code: PacketErrorCode

  constructor(code: PacketErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
