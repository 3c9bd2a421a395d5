/** A value that the user gave is invalid; the message says what is allowed. Every other error is a bug of the program. */
export class OptionError extends RangeError {}
