import { OptionError, parseCount } from '@demo/cli'

/** One kind of load: a column of the table, a panel of the chart. */
export interface Row {
  /** Requests in flight on each connection. */
  readonly window: number
  /** Bytes of each payload. */
  readonly payload: number
}

/** The default payload size, in bytes. */
const STANDARD_PAYLOAD = 25

/**
 * Parses `1,8,1000` or `100x1024`: windows, with the size of the payloads if it is not 25 bytes.
 *
 * @throws OptionError that says what is expected
 */
export function parseRows(text: string): readonly Row[] {
  return text.split(',').map((one) => {
    const [, window, payload = `${STANDARD_PAYLOAD}`] = /^(\d+)(?:x(\d+))?$/.exec(one) ?? []
    if (window === undefined || Number(window) === 0) {
      throw new OptionError('expected windows above 0 like 1,8,1000, or with a size of payloads like 100x1024')
    }
    return { window: parseCount(window), payload: parseCount(payload) }
  })
}

/** `window 1000`, or `window 100, 1024 B`. */
export function nameOf(row: Row): string {
  return hasOwnPayload(row) ? `window ${row.window}, ${row.payload} B` : `window ${row.window}`
}

/** Whether the payload size is not the default. */
export function hasOwnPayload({ payload }: Row): boolean {
  return payload !== STANDARD_PAYLOAD
}

export function isSame(a: Row, b: Row): boolean {
  return a.window === b.window && a.payload === b.payload
}
