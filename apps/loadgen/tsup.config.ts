import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { defineConfig } from 'tsup'
import { program } from '../../tsup.config.ts'

/** What is put into each report goes with its licence. */
const licence = readFileSync(createRequire(import.meta.url).resolve('uplot/LICENSE'), 'utf8').trim()

/** The script and the style of the HTML report, uPlot inside: `dist/page/main.js` and `main.css`, put into each report. */
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

// Each cleans up after itself only: they are built at the same time.
export default [
  { ...program, clean: ['!dist/page/**'] },
  { ...page, clean: true },
]
