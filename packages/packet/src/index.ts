export { createPacketCodec } from './packet-codec.ts'
export { CommandId } from './command-id.ts'
export { ID_COUNT, PacketIdSequence, readPacketId, writePacketId } from './packet-id.ts'
export { DIALECTS } from './dialect.ts'
export { PacketError } from './packet-error.ts'
export type { PacketCodec, PacketCodecOptions } from './packet-codec.ts'
export type {
  Conn,
  ConnAck,
  ConnAckView,
  ConnView,
  Packet,
  PacketView,
  Submit,
  SubmitAck,
  SubmitAckView,
  SubmitView,
} from './packet.ts'
export type { BytesLike } from './bytes.ts'
export type { Dialect } from './dialect.ts'
export type { PacketErrorCode } from './packet-error.ts'
