import { getSystemErrorMap } from 'node:util'
import type { EngineAddress } from './address.ts'

/**
 * An error of the system, as Node makes it: `listen EADDRINUSE: address already in use 127.0.0.1:8888`, `connect
 * ECONNREFUSED 127.0.0.1:8888`.
 */
export function systemError(errno: number, syscall: string, where?: EngineAddress): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error']
  const what = syscall === 'listen' && where !== undefined ? `${code}: ${text}` : code
  const error = Object.assign(new Error(`${syscall} ${what}`), { errno: -errno, code, syscall })
  if (where === undefined) return error
  error.message += 'path' in where ? ` ${where.path}` : ` ${where.address}:${where.port}`
  return Object.assign(error, 'path' in where ? { address: where.path } : where)
}
