const POLL_INTERVAL = 2

/** How long a test waits for a condition, in milliseconds: long, for a loaded machine. Only a failure takes so long. */
export const PATIENCE = 5000

/** The real ones, also in a test that fakes the timers. */
const { setTimeout, clearTimeout } = globalThis
const now = performance.now.bind(performance)

/** Waits until the condition holds. A test waits for a condition, never for a duration. */
export async function waitFor(condition: () => boolean, what: () => string, patience = PATIENCE): Promise<void> {
  const deadline = now() + patience
  while (!condition()) {
    if (now() > deadline) throw new Error(`waited ${patience} ms in vain: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL))
  }
}

/** Waits for a promise. One that never settles fails its own test, with an error that names it. */
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

/** Lets the event loop run some turns: everything that needs no further event has happened then. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
