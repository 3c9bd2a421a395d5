import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

/** What each file or folder imports. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>

/** The type imports of plain JavaScript, which are comments: `@import { A } from './a.ts'`. */
const JSDOC_IMPORT = /@import\s[^'"]*from\s+['"]([^'"]+)['"]/g

/** What the files below a folder import of each other, types included. Tests and their helpers are left out. */
export function importsOfFiles(folder: string): Imports {
  const files = readdirSync(folder, { encoding: 'utf8', recursive: true }).filter(
    (file) => /\.[jt]s$/.test(file) && !/\.test\.ts$|(^|\/)testing\//.test(file),
  )
  return new Map(files.map((file) => [file, new Set(importsOf(join(folder, file)).map(besides(file)))]))
}

/** The same of their folders. A file right below the top is in the folder `.`. */
export function importsOfFolders(files: Imports): Imports {
  const folders = new Map<string, Set<string>>()
  for (const [file, imported] of files) {
    const from = dirname(file)
    const to = folders.get(from) ?? new Set()
    for (const other of imported) if (files.has(other) && dirname(other) !== from) to.add(dirname(other))
    folders.set(from, to)
  }
  return folders
}

/** The circles in which something imports itself, for example `a → b → a`: at least one, if there is any. */
export function circlesIn(imports: Imports): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (one: string) => {
    if (path.includes(one)) circles.push([...path.slice(path.indexOf(one)), one].join(' → '))
    if (done.has(one)) return
    done.add(one)
    path.push(one)
    for (const next of imports.get(one) ?? []) visit(next)
    path.pop()
  }
  for (const one of imports.keys()) visit(one)
  return circles
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  const statements = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
  const comments = path.endsWith('.js') ? [...text.matchAll(JSDOC_IMPORT)].map(([, name = '']) => name) : []
  return [...statements, ...comments].filter((name) => name.startsWith('.'))
}

/** Makes the path of an import, from the same top as that of the file it is in. */
function besides(file: string): (name: string) => string {
  return (name) => normalize(join(dirname(file), name))
}
