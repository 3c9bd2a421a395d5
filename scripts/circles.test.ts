import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { circlesIn, importsOfFiles, importsOfFolders } from './testing/imports.ts'
import { root, temporaryFolder } from './testing/workspace.ts'

/** Every package and every program that has sources. */
const parts = ['packages', 'apps']
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
  .filter((part) => existsSync(join(root, part, 'src')))

describe.each(parts)('in %s', (part) => {
  const files = importsOfFiles(join(root, part, 'src'))

  test('no file imports itself in a circle', () => {
    expect(circlesIn(files)).toEqual([])
  })

  test('no folder imports itself in a circle', () => {
    expect(circlesIn(importsOfFolders(files))).toEqual([])
  })
})

describe('a circle is found', () => {
  test('of files, by their types alone', () => {
    const files = importsOfFiles(
      folderOf({
        'a.ts': "import type { B } from './b.ts'",
        'b.ts': "export type * from './c.ts'",
        'c.ts': "export type C = import('./a.ts').A",
      }),
    )
    expect(circlesIn(files)).toEqual(['a.ts → b.ts → c.ts → a.ts'])
  })

  test('of files, through a comment in JavaScript', () => {
    const files = importsOfFiles(
      folderOf({ 'a.ts': "import run from './b.js'", 'b.js': "/** @import { A } from './a.ts' */" }),
    )
    expect(circlesIn(files)).toEqual(['a.ts → b.js → a.ts'])
  })

  test('of folders, where there is none of files', () => {
    const files = importsOfFiles(
      folderOf({
        'one/a.ts': "import '../two/b.ts'",
        'two/b.ts': '',
        'two/c.ts': "import '../one/d.ts'",
        'one/d.ts': '',
      }),
    )
    expect(circlesIn(files)).toEqual([])
    expect(circlesIn(importsOfFolders(files))).toEqual(['one → two → one'])
  })
})

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  return folder
}
