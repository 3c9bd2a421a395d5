import { type Command, usageError, whereFrom } from '@demo/cli'

/** Pairs of flags that exclude each other. */
const EXCLUSIVE: readonly (readonly [one: string, other: string])[] = [
  ['path', 'target'],
  ['path', 'host'],
  ['path', 'port'],
  ['target', 'host'],
  ['target', 'port'],
  ['tlsInsecure', 'tlsCa'],
  ['payload', 'payloadSize'],
  ['payload', 'payloadFile'],
  ['payloadFile', 'payloadSize'],
  ['amount', 'duration'],
  ['stage', 'duration'],
  ['stage', 'amount'],
  ['abortOnFail', 'repeat'],
]

/** Flags that have no effect without one of the others. */
const DEPENDENT: readonly (readonly [name: string, ...oneOf: string[]])[] = [
  ['arrival', 'rate', 'stage'],
  ['metricsHost', 'metricsPort'],
  ['abortOnFail', 'threshold'],
]

/** Sources of a value, the weakest first. */
const SOURCES = ['default', 'config', 'env', 'cli']

/**
 * Refuses flags that would have no effect because of others. If two that exclude each other are from different sources,
 * like a flag and an environment variable, the one from the stronger source counts.
 *
 * @throws ExitError with status 2 and one line
 */
export function resolveFlagConflicts(command: Command): void {
  const has = (name: string) => command.options.some((option) => option.attributeName() === name)
  const strength = (name: string) => {
    const value: unknown = command.getOptionValue(name)
    if (value === undefined || value === false) return 0
    return Math.max(0, SOURCES.indexOf(command.getOptionValueSource(name) ?? 'default'))
  }
  const refuse = (message: string) => {
    throw usageError(`${message}; see --help`)
  }
  for (const [one, other] of EXCLUSIVE) {
    const [first, second] = [strength(one), strength(other)]
    if (first === 0 || second === 0) continue
    if (first === second) {
      refuse(`${whereFrom(command, one)} and ${whereFrom(command, other)} exclude each other: only one has an effect`)
    }
    resetFlag(command, first < second ? one : other)
  }
  for (const [name, ...oneOf] of DEPENDENT) {
    if (strength(name) === 0 || !oneOf.some(has) || oneOf.some((needed) => strength(needed) > 0)) continue
    const needed = oneOf.filter(has).map((one) => whereFrom(command, one))
    refuse(`${whereFrom(command, name)} has no effect without ${needed.join(' or ')}`)
  }
  if (
    strength('warmup') > 0 &&
    command.getOptionValue('warmup') !== 0 &&
    strength('stage') > 0 &&
    strength('rate') === 0
  ) {
    refuse(`${whereFrom(command, 'warmup')} has no effect with stages that begin at a rate of 0; set --rate`)
  }
}

/** Sets a flag to its default. */
function resetFlag(command: Command, name: string): void {
  const option = command.options.find((one) => one.attributeName() === name)
  command.setOptionValueWithSource(name, option?.defaultValue, 'default')
}
