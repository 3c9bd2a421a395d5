/** An element of a list. @throws if there is none */
export function elementAt<Value>(list: readonly Value[], index: number): Value {
  const value = list[index]
  if (value === undefined) throw new Error(`expected an element at ${index}, the list has ${list.length}`)
  return value
}
