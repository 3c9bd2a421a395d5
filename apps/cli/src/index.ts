export { addFlags, Command, flag, listFlag, optionalFlag, parseCommandLine, switchFlag } from './command.ts'
export { ExitError, ExitStatus, runProgram } from './exit.ts'
export { parseCount, parseDuration, parseOneOf, parsePort, parseSize, parseText } from './units.ts'
export type { Flag, Flags, Values } from './command.ts'
