import { defineConfig } from 'tsup'
import { library } from '../../tsup.config.ts'

/** The threads are an entry of their own: only who asks for them loads piscina. What runs in a thread is a file itself. */
export default defineConfig({
  ...library,
  entry: {
    index: 'src/index.ts',
    threads: 'src/handlers/threads.ts',
    'thread-entry': 'src/handlers/thread-entry.js',
  },
  dts: { entry: { index: 'src/index.ts', threads: 'src/handlers/threads.ts' } },
})
