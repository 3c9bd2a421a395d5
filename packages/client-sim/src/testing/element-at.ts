/** The element at an index, which must be there; a negative index counts from the end. */
export function elementAt<Value>(values: readonly Value[], index: number): Value {
  const value = values.at(index)
  if (value === undefined) throw new Error(`no element at ${index} of ${values.length}`)
  return value
}
