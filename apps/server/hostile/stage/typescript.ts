import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** The flags with which Node runs our TypeScript. */
export const TYPESCRIPT = ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
