/**
 * Which numbers the responses have on the wire. Requests are the same in both, so the dialect cannot be detected: it is set.
 *
 * | dialect         | ConnAck | SubmitAck |                                                            |
 * |-----------------|---------|-----------|------------------------------------------------------------|
 * | `specification` | `0x81`  | `0x82`    | the request's number with the top bit set                  |
 * | `go-demo`       | `0x80`  | `0x81`    | what the Go series `tcp-server-demo` really sends: there   |
 * |                 |         |           | `iota` starts again in the `const` block of the responses  |
 */
export type Dialect = 'specification' | 'go-demo'

/** All dialects, the default first. */
export const DIALECTS: readonly Dialect[] = ['specification', 'go-demo']

/** The bytes of the response commands in each dialect. */
export const ACK_COMMANDS: Readonly<Record<Dialect, { readonly connAck: number; readonly submitAck: number }>> = {
  specification: { connAck: 0x81, submitAck: 0x82 },
  'go-demo': { connAck: 0x80, submitAck: 0x81 },
}

/** @throws RangeError when the dialect is unknown */
export function checkDialect(value: string): Dialect {
  const dialect = DIALECTS.find((one) => one === value)
  if (dialect === undefined) throw new RangeError(`invalid dialect '${value}': expected ${DIALECTS.join(' or ')}`)
  return dialect
}
