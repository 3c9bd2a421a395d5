import { readFile } from 'node:fs/promises'

/** The script and the style of an HTML report. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

/** Reads the files that the build put next to the program. */
export async function readPageAssets(): Promise<PageAssets> {
  const read = (name: string) => readFile(new URL(`./page/${name}`, import.meta.url), 'utf8')
  const [script, style] = await Promise.all([read('main.js'), read('main.css')])
  return { script, style }
}
