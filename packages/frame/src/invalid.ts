/** The error of an invalid argument. */
export function invalid(name: string, value: unknown, expected: string): RangeError {
  const shown = typeof value === 'string' ? `'${value}'` : String(value)
  return new RangeError(`invalid ${name} ${shown}: expected ${expected}`)
}
