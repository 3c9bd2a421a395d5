/** The user gave an invalid value. The message says what is expected. */
export class OptionError extends RangeError {}
