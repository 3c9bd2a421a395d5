const POLL_INTERVAL = 2

/** How long a test waits for what must happen, in milliseconds: long, for a loaded machine; it costs only failures. */
const PATIENCE = 5000

/** The real one, also where a test turns the clock by hand. */
const { setTimeout, clearTimeout } = globalThis
const now = performance.now.bind(performance)

/** Waits until the condition holds. It never sleeps for the sake of it: the condition is what the test is about. */
export async function waitFor(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = now() + PATIENCE
  while (!condition()) {
    if (now() > deadline) throw new Error(`waited ${PATIENCE} ms in vain: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL))
  }
}

/** Waits for a promise, so that one that never settles fails its own test, and says which it was. */
export async function within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${PATIENCE} ms in vain: ${what}`)), PATIENCE)
  })
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Lets the event loop go round, so that whatever was about to happen without a further event has happened. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
