/** What a request is answered with: 0 success, 1 failure. */
export type Result = 0 | 1

/**
 * What a handler returns: a result, nothing (0), or a promise of either. A throw or a rejection answers 1. The compiler
 * takes the 0 of an async function for any number: a result other than 0 and 1 is reported to `onError` and answered
 * with 1.
 */
export type HandlerOutcome = Result | undefined | void | Promise<number | undefined | void>
