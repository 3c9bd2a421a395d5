/**
 * The process of an attack: `run-attack.ts churn` imports `churn.ts`, and calls the functions of it that it is told to.
 */
import { setPriority } from 'node:os'

/** One call of an exported function. */
export interface Order {
  readonly id: number
  readonly action: string
  readonly args: readonly unknown[]
}

/** What came of it. */
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** Attackers stand for machines of their own: they are not to take the processor from the server. */
const LOW_PRIORITY = 10

/** Who measures times is not to wait for a processor: that is not what it measures. */
const HIGH_PRIORITY = -10
const MEASURING = ['healthy-client', 'paced-clients']

const [name] = process.argv.slice(2)
prioritize(MEASURING.includes(name) ? HIGH_PRIORITY : LOW_PRIORITY)
const attack = (await import(`./${name}.ts`)) as Record<string, (...args: readonly unknown[]) => unknown>

process.on('message', async ({ id, action, args }: Order) => {
  try {
    answer({ id, value: await attack[action](...args) })
  } catch (error) {
    answer({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.once('disconnect', () => process.exit())

function answer(message: Answer): void {
  process.send?.(message)
}

function prioritize(priority: number): void {
  try {
    setPriority(priority)
  } catch {
    // Only root may have more than others. Without it the times are somewhat longer.
  }
}
