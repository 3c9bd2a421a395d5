import type { Request } from './request.ts'

/** Requests that are not sent yet, oldest first. Adding and removing take constant time, at any position. */
export class RequestQueue {
  length = 0
  /** The bytes of all their payloads. */
  bytes = 0
  /** How many of them the window had no room for. */
  waiting = 0
  /** The bytes of their payloads. */
  waitingBytes = 0
  #oldest: Request | undefined
  #youngest: Request | undefined

  get oldest(): Request | undefined {
    return this.#oldest
  }

  add(request: Request): void {
    request.older = this.#youngest
    if (this.#youngest === undefined) this.#oldest = request
    else this.#youngest.younger = request
    this.#youngest = request
    this.length += 1
    this.bytes += request.size
    if (!request.waits) return
    this.waiting += 1
    this.waitingBytes += request.size
  }

  remove(request: Request): void {
    const { older, younger } = request
    if (older === undefined) this.#oldest = younger
    else older.younger = younger
    if (younger === undefined) this.#youngest = older
    else younger.older = older
    request.older = undefined
    request.younger = undefined
    this.length -= 1
    this.bytes -= request.size
    if (!request.waits) return
    this.waiting -= 1
    this.waitingBytes -= request.size
  }

  failAll(error: unknown): void {
    for (let request = this.#oldest; request !== undefined; request = this.#oldest) {
      this.remove(request)
      request.fail(error)
    }
  }
}
