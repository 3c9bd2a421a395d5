/** Does work for each item, for at most `atOnce` items at the same time. */
export async function inParallel<Item>(
  atOnce: number,
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]()
  const lane = async () => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}

/** The numbers from 0 to below `count`. */
export function* upTo(count: number): Generator<number, undefined> {
  for (let number = 0; number < count; number++) yield number
}
