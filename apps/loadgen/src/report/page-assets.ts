import { readFile } from 'node:fs/promises'

/** What makes the charts of an HTML report. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

/** Reads what the build put beside the program. */
export async function readPageAssets(): Promise<PageAssets> {
  const read = (name: string) => readFile(new URL(`./page/${name}`, import.meta.url), 'utf8')
  const [script, style] = await Promise.all([read('main.js'), read('main.css')])
  return { script, style }
}
