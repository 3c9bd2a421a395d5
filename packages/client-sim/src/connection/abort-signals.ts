/** An operation that a signal can abort. */
export interface Abortable {
  aborted(reason: unknown): void
}

/** The operations of one signal, and their one event listener. */
interface Group {
  readonly members: Set<Abortable>
  readonly listener: () => void
}

/**
 * Adding or removing an event listener takes Node time in proportion to their number, and it warns at the eleventh. So all
 * requests and clients that share a signal share one listener.
 */
const groups = new WeakMap<AbortSignal, Group>()

/** Calls `operation.aborted` when the signal aborts, unless {@link stopListening} is called before. */
export function listenTo(signal: AbortSignal, operation: Abortable): void {
  const group = groups.get(signal) ?? createGroup(signal)
  group.members.add(operation)
}

/** Removes an operation; with the last one the event listener is removed too. */
export function stopListening(signal: AbortSignal, operation: Abortable): void {
  const group = groups.get(signal)
  if (group === undefined) return
  group.members.delete(operation)
  if (group.members.size > 0) return
  groups.delete(signal)
  signal.removeEventListener('abort', group.listener)
}

function createGroup(signal: AbortSignal): Group {
  const members = new Set<Abortable>()
  const listener = () => {
    groups.delete(signal)
    for (const operation of members) operation.aborted(signal.reason)
  }
  signal.addEventListener('abort', listener, { once: true })
  const group = { members, listener }
  groups.set(signal, group)
  return group
}
