/** Keeps promises in order: each settles after the earlier ones of the same key. */
export class Order<Key extends object> {
  readonly #last = new WeakMap<Key, Promise<unknown>>()

  /** @returns a promise that settles like the given one, after all earlier promises of the key */
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
