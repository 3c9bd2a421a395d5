import { FrameError } from '@demo/frame'
import { PacketError } from '@demo/packet'
import type { CloseReason } from '../api/close-reason.ts'
import { CodecError, ProtocolError } from '../api/server-errors.ts'

/** The reason to close a session whose stream is invalid, or whose user's codec failed; undefined: the error is a bug. */
export function streamErrorReason(error: unknown): CloseReason | undefined {
  if (error instanceof FrameError) return 'frame-error'
  if (error instanceof PacketError || error instanceof ProtocolError) return 'packet-error'
  return error instanceof CodecError ? 'internal-error' : undefined
}
