/**
 * Where things lie in a packet, in bytes.
 *
 * ```
 *  request    | command 1 | ID 8 | payload 0..n |
 *  response   | command 1 | ID 8 | result 1     |
 * ```
 */
export const COMMAND_LENGTH = 1
export const ID_LENGTH = 8

/** Where the payload of a request and the result of a response begin. */
export const BODY_OFFSET = COMMAND_LENGTH + ID_LENGTH

/** The shortest request: an empty payload. */
export const MIN_REQUEST_LENGTH = COMMAND_LENGTH + ID_LENGTH

/** Every response has this length. */
export const RESPONSE_LENGTH = BODY_OFFSET + 1
