/** Holds promises of one key back until those before them have settled. */
export class Order<Key extends object> {
  readonly #last = new WeakMap<Key, Promise<unknown>>()

  /** @returns a promise that settles as the given one, and not before those that were given for the key before it */
  hold<Value>(key: Key, promise: Promise<Value>): Promise<Value> {
    const before = this.#last.get(key)
    const held = before === undefined ? promise : after(before, promise)
    this.#last.set(key, held)
    return held
  }
}

async function after<Value>(before: Promise<unknown>, promise: Promise<Value>): Promise<Value> {
  const [, own] = await Promise.allSettled([before, promise])
  if (own.status === 'rejected') throw own.reason
  return own.value
}
