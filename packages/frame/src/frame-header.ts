/** The length of the header in bytes: one unsigned big-endian integer that counts the whole frame, itself included. */
export const HEADER_LENGTH = 4

/** The largest number that fits into the header. */
export const MAX_LENGTH_FIELD = 0xffff_ffff

/** The frame length in the header at `at`. The header must lie in `bytes`, so each byte is a number. */
export function readFrameLength(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}
