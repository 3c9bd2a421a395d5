import { quote } from './internal/format-value.ts'

/** An invalid option: its name, its value, and what is allowed. */
export class ServerOptionError extends RangeError {
  override readonly name = 'ServerOptionError'
  readonly code = 'ERR_SERVER_OPTION'
  /** The option's name. */
  readonly option: string
  /** Its value; undefined if it may not be shown. */
  readonly value: unknown
  /** What is allowed. */
  readonly allowed: string
  /** The message without the option's name, for programs that have another name for it, for example that of a flag. */
  readonly problem: string

  /** @param detail what is wrong, where the value alone does not show it, or may not be shown */
  constructor(option: string, value: unknown, allowed: string, detail?: string) {
    const what = detail === undefined ? ` ${quote(value)}: expected ${allowed}` : `: ${detail}; expected ${allowed}`
    super(`invalid ${option}${what}`)
    this.option = option
    this.value = value
    this.allowed = allowed
    this.problem = `invalid value${what}`
  }
}
