const POLL_INTERVAL = 2

/** How long a test waits for what must happen, in milliseconds: long, for a loaded machine; it costs only failures. */
export const PATIENCE = 5000

/** Waits until the condition holds. It never sleeps for the sake of it: the condition is what the test is about. */
export async function waitFor(condition: () => boolean, what: () => string, patience = PATIENCE): Promise<void> {
  const deadline = performance.now() + patience
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${patience} ms in vain: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL))
  }
}

/** Waits for a promise, so that one that never settles fails its own test, and says which it was. */
export async function within<Value>(promise: Promise<Value>, what: string, patience = PATIENCE): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patience} ms in vain: ${what}`)), patience)
  })
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
