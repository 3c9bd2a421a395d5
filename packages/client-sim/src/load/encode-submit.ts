import { encodeFrame } from '@demo/frame'
import { type BytesLike, CommandId, createPacketCodec } from '@demo/packet'

/**
 * The frame of a Submit, with an ID to be overwritten. A Submit is the same in all dialects.
 *
 * @throws TypeError `ERR_PACKET_NOT_BYTES`
 */
export function encodeSubmit(payload: BytesLike): Uint8Array {
  return encodeFrame(createPacketCodec().encode({ command: CommandId.Submit, id: '00000000', payload }))
}
