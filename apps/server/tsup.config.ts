import { program } from '../../tsup.config.ts'

/** Two files to run, and what both need: the program, and the process that it starts for each worker. */
export default { ...program, entry: ['src/main.ts', 'src/worker.ts'] }
