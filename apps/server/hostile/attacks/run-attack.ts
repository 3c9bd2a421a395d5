/**
 * The process of an attack: `run-attack.ts churn` imports `churn.ts`, and calls its functions by the names that it receives.
 */
import { setPriority } from 'node:os'

/** One call of an exported function. */
export interface Call {
  readonly id: number
  readonly action: string
  readonly args: readonly unknown[]
}

/** The result of a call. */
export interface CallResult {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** Attackers represent other machines, so they must not take processor time from the server. */
const LOW_PRIORITY = 10

/** A client that measures times must not wait for a processor. */
const HIGH_PRIORITY = -10
const MEASURING = ['healthy-client', 'paced-clients']

const [name = ''] = process.argv.slice(2)
prioritize(MEASURING.includes(name) ? HIGH_PRIORITY : LOW_PRIORITY)
const attack = (await import(`./${name}.ts`)) as Record<string, (...args: readonly unknown[]) => unknown>

process.on('message', async ({ id, action, args }: Call) => {
  try {
    const run = attack[action]
    if (run === undefined) throw new Error(`${name}.ts exports no function ${action}`)
    reply({ id, value: await run(...args) })
  } catch (error) {
    reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.once('disconnect', () => process.exit())

function reply(message: CallResult): void {
  process.send?.(message)
}

function prioritize(priority: number): void {
  try {
    setPriority(priority)
  } catch {
    // Only root may raise a priority. Without it, times are a little longer.
  }
}
