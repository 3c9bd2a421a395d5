import { defineConfig } from 'vitest/config'

/** Each part is a project of its own: `pnpm vitest run --project @demo/frame`. */
const parts = ['packages/frame', 'packages/packet']

export default defineConfig({
  test: {
    projects: parts.map((root) => ({ root, test: { name: root, include: ['src/**/*.test.ts'] } })),
  },
})
