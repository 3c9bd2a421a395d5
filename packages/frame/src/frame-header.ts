/** The length of the header in bytes: one unsigned big-endian integer that counts the whole frame, itself included. */
export const HEADER_LENGTH = 4

/** The largest number that fits into the header. */
export const MAX_LENGTH_FIELD = 0xffff_ffff
