import dns from 'node:dns'
import { onTestFinished, vi } from 'vitest'

type Answer = (callback: (error: Error | null, addresses: dns.LookupAddress[]) => void) => void

/** Replaces `dns.lookup`, so that no test depends on a name server. */
export function resolveNames(answer: Answer): void {
  const spy = vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: unknown, callback: never) => {
    answer(callback)
  }) as typeof dns.lookup)
  onTestFinished(() => {
    spy.mockRestore()
  })
}
