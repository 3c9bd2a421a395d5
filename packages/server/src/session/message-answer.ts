/** The answer to a message whose handler failed: a payload, or the end of the session. */
export class Failure {
  readonly error: unknown
  readonly payload: Uint8Array | undefined

  constructor(error: unknown, payload?: Uint8Array) {
    this.error = error
    this.payload = payload
  }
}

/** The answer to a message: the payload of a frame, nothing, or a failure. */
export type MessageAnswer = Uint8Array | undefined | Failure

/** What was thrown, if it is an Error. */
export function asError(thrown: unknown): Error | undefined {
  return thrown instanceof Error ? thrown : undefined
}
