import { defineConfig } from 'tsup'

/** How every published package is built: ESM and its types, nothing bundled in. */
export const library = defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node20.19',
  platform: 'neutral',
  // tsup leaves dependencies out by itself, but not optional ones.
  external: ['@demo/engine'],
  tsconfig: 'tsconfig.build.json',
  dts: true,
  sourcemap: true,
  clean: true,
})

/** How the two programs are built: one file to run. What they depend on stays in node_modules. */
export const program = defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  target: 'node20.19',
  platform: 'node',
  sourcemap: true,
  clean: true,
})
