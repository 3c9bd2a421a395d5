/** An option as a shell completes it. */
export interface CompletedOption {
  /** `--rate` */
  readonly long: string
  readonly description: string
  /** What follows it: nothing, a file name, one of `choices`, or any text. */
  readonly value: 'none' | 'file' | 'choice' | 'text'
  readonly choices: readonly string[]
  readonly repeated: boolean
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string
  readonly description: string
  readonly options: readonly CompletedOption[]
  /** The argument it takes besides its options. */
  readonly argument: CompletedOption['value']
  readonly choices: readonly string[]
}

/** A program as a shell completes it. */
export interface CompletedProgram {
  readonly name: string
  /** The options when no command was typed: those of the program and of its default command. */
  readonly options: readonly CompletedOption[]
  readonly commands: readonly CompletedCommand[]
}
