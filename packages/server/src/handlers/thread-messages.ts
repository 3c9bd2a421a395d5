import type { Result } from '../api/result.ts'
import type { ThrownInThread } from './thread-errors.ts'

/** A request as it is sent to a thread. Times are on the clock that all threads share. */
export interface ToThread {
  readonly command: number
  readonly id: string
  readonly payload: Uint8Array<ArrayBuffer>
  readonly session: { readonly id: number; readonly remoteAddress: string | undefined; readonly authenticated: boolean }
  readonly deadline: number
  readonly receivedAt: number
  /** The index of the shared flag that is set when this request is aborted. */
  readonly slot: number
}

/** What a thread sends back. */
export type FromThread = Result | { readonly error: ThrownInThread } | { readonly loadError: ThrownInThread }
