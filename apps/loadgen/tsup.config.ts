import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { defineConfig } from 'tsup'
import { program } from '../../tsup.config.ts'

/** The licence of uPlot, which is part of each report. */
const licence = readFileSync(createRequire(import.meta.url).resolve('uplot/LICENSE'), 'utf8').trim()

/** The script and the style of the HTML report, including uPlot: `dist/page/main.js` and `main.css`. */
const page = defineConfig({
  entry: ['page/main.ts'],
  outDir: 'dist/page',
  format: 'iife',
  target: 'es2022',
  platform: 'browser',
  tsconfig: 'page/tsconfig.json',
  noExternal: [/.*/],
  outExtension: () => ({ js: '.js' }),
  minify: true,
  banner: { js: `/*! uPlot\n${licence} */` },
})

/** The program and its worker thread. */
const main = { ...program, entry: { main: 'src/main.ts', worker: 'src/engine/worker.ts' } }

// Each cleans only its own output, because both are built at the same time.
export default [
  { ...main, clean: ['!dist/page/**'] },
  { ...page, clean: true },
]
