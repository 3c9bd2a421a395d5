/**
 * Where things lie in the frame of a Submit, in bytes.
 *
 * ```
 *  | frame header 4 | command 1 | ID 8 | payload 0..n |
 * ```
 */
const HEADER_LENGTH = 4
export const COMMAND_LENGTH = 1
export const ID_LENGTH = 8

/** Where the ID begins. */
export const ID_OFFSET = HEADER_LENGTH + COMMAND_LENGTH

/** What the frame is longer than the payload. */
export const FRAME_OVERHEAD = ID_OFFSET + ID_LENGTH
