/** How much longer than the drain a primary waits for its workers to end, in seconds. */
const WORKERS_PATIENCE = 3

/** The longest that the server may take to end after SIGTERM, in seconds, by a configuration that sets all its times. */
export function longestDrain(config: Record<string, unknown>): number {
  return ['drain-delay', 'drain-timeout', 'linger-timeout'].reduce(
    (sum, key) => sum + seconds(key, config[key]),
    WORKERS_PATIENCE,
  )
}

function seconds(key: string, value: unknown): number {
  const [, number] = /^(\d+)s$/.exec(String(value)) ?? []
  if (number === undefined) throw new Error(`invalid ${key} '${value}': expected whole seconds`)
  return Number(number)
}
