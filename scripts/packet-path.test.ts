import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './testing/workspace.ts'

const MAX_FILES = 6
const MAX_LINES = 250

const SOURCES = 'packages/server/src'

/** The two paths of a packet in docs/architecture.md: ordered lists, each item begins with a file. */
const [onNode = '', onEngine = ''] = textOf('docs/architecture.md').split('### On the native engine')
const filesOf = (text: string) =>
  [...text.matchAll(/^\d+\. `(packages\/[\w./-]+\.(?:ts|c))`/gm)].map(([, file = '']) => file)
const path = filesOf(onNode)
const nativePath = filesOf(onEngine)

test('a packet goes through at most six files, from the read to the write', () => {
  expect(path.length).toBeLessThanOrEqual(MAX_FILES)
  expect(path.at(0)).toBe(`${SOURCES}/transport/read-buffer.ts`)
  expect(path).toContain(`${SOURCES}/session/submit-session.ts`)
  expect(path.at(-1)).toBe(`${SOURCES}/io/outbound.ts`)
})

test('on the native engine as well, and C is called first and last', () => {
  expect(nativePath.length).toBeLessThanOrEqual(MAX_FILES)
  expect(nativePath.at(0)).toBe('packages/engine/native/engine.c')
  expect(nativePath).toContain(`${SOURCES}/session/cut-session.ts`)
  expect(nativePath.at(-1)).toBe('packages/engine/native/engine.c')
})

test.each([...path, ...nativePath.filter((file) => file.endsWith('.ts'))])(
  '%s is on the path, and has at most 250 lines',
  (file) => {
    expect(linesOf(file)).toBeLessThanOrEqual(MAX_LINES)
  },
)

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
