import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './testing/workspace.ts'

const MAX_FILES = 6
const MAX_LINES = 250

const SOURCES = 'packages/server/src'

/** The path of a packet in docs/architecture.md: an ordered list, each item begins with a file. */
const path = [...textOf('docs/architecture.md').matchAll(/^\d+\. `(packages\/server\/src\/[\w./-]+\.ts)`/gm)].map(
  ([, file = '']) => file,
)

test('a packet goes through at most six files, from the read to the write', () => {
  expect(path.length).toBeLessThanOrEqual(MAX_FILES)
  expect(path.at(0)).toBe(`${SOURCES}/transport/read-buffer.ts`)
  expect(path).toContain(`${SOURCES}/session/submit-session.ts`)
  expect(path.at(-1)).toBe(`${SOURCES}/io/outbound.ts`)
})

test.each(path)('%s is on the path, and has at most 250 lines', (file) => {
  expect(linesOf(file)).toBeLessThanOrEqual(MAX_LINES)
})

test('no other source file of the server has more than 250 lines', () => {
  const files = readdirSync(join(root, SOURCES), { encoding: 'utf8', recursive: true }).filter(
    (file) => /\.[jt]s$/.test(file) && !file.endsWith('.test.ts'),
  )
  expect(files.length).toBeGreaterThan(path.length)
  expect(files.filter((file) => linesOf(`${SOURCES}/${file}`) > MAX_LINES)).toEqual([])
})

function linesOf(file: string): number {
  return textOf(file).split('\n').length - 1
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}
