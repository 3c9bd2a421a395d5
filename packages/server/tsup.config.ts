import { defineConfig } from 'tsup'
import { library } from '../../tsup.config.ts'

/**
 * `threads` is an entry of its own, so that piscina is loaded only with it. What runs in a thread is a file too. Each entry has
 * its own copy of the few pure functions that they share; they share no class and no state.
 */
export default defineConfig({
  ...library,
  splitting: false,
  entry: {
    index: 'src/index.ts',
    threads: 'src/handlers/threads.ts',
    'thread-entry': 'src/handlers/thread-entry.js',
  },
  dts: { entry: { index: 'src/index.ts', threads: 'src/handlers/threads.ts' } },
})
