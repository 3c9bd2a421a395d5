import { defineConfig } from 'tsup'
import { program } from '../../tsup.config.ts'

/** The program, and what its worker threads run, side by side. */
export default defineConfig({ ...program, entry: { main: 'src/main.ts', worker: 'src/engine/worker.ts' } })
