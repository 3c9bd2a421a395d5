/** Something that ends when a signal aborts. */
export interface Abortable {
  aborted(reason: unknown): void
}

/** What listens to one signal, and the one listener it has there. */
interface Group {
  readonly members: Set<Abortable>
  readonly listener: () => void
}

/**
 * Node looks through all listeners of a signal to add or remove one, and warns at the eleventh. So a signal has one
 * listener of ours, however many requests and clients share it.
 */
const groups = new WeakMap<AbortSignal, Group>()

/** Calls `one.aborted` when the signal aborts, unless {@link stopListening} comes first. */
export function listenTo(signal: AbortSignal, one: Abortable): void {
  const group = groups.get(signal) ?? createGroup(signal)
  group.members.add(one)
}

/** Forgets one; the last one takes the listener with it. */
export function stopListening(signal: AbortSignal, one: Abortable): void {
  const group = groups.get(signal)
  if (group === undefined) return
  group.members.delete(one)
  if (group.members.size > 0) return
  groups.delete(signal)
  signal.removeEventListener('abort', group.listener)
}

function createGroup(signal: AbortSignal): Group {
  const members = new Set<Abortable>()
  const listener = () => {
    groups.delete(signal)
    for (const one of members) one.aborted(signal.reason)
  }
  signal.addEventListener('abort', listener, { once: true })
  const group = { members, listener }
  groups.set(signal, group)
  return group
}
