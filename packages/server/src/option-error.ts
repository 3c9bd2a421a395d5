import { show } from './internal/format-value.ts'

/** An invalid option: its name, its value, and what is allowed. */
export class ServerOptionError extends RangeError {
  override readonly name = 'ServerOptionError'
  readonly code = 'ERR_SERVER_OPTION'
  /** The option's name. */
  readonly option: string
  /** What it is. */
  readonly value: unknown
  /** What it may be. */
  readonly allowed: string

  constructor(option: string, value: unknown, allowed: string, what = `is ${show(value)}`) {
    super(`${option} ${what}; it must be ${allowed}`)
    this.option = option
    this.value = value
    this.allowed = allowed
  }
}
