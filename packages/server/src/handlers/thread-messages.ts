import type { Result } from '../api/result.ts'
import type { ThrownInThread } from './thread-errors.ts'

/** What crosses to a thread for one request. Times are on the clock that all threads share. */
export interface ToThread {
  readonly command: number
  readonly id: string
  readonly payload: Uint8Array<ArrayBuffer>
  readonly session: { readonly id: number; readonly remoteAddress: string | undefined; readonly authenticated: boolean }
  readonly deadline: number
  readonly receivedAt: number
  /** Which of the shared flags says that this request is aborted. */
  readonly slot: number
}

/** What comes back. */
export type FromThread = Result | { readonly error: ThrownInThread } | { readonly loadError: ThrownInThread }
