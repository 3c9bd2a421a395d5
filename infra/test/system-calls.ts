import { execFileSync } from 'node:child_process'

/**
 * The system calls in a trace that a unit denies.
 *
 * @param trace the output of `strace`: a process and a call on each line
 * @param filters the values of `SystemCallFilter=`, as systemd reads them: the first one allows calls, one with `~` denies
 * some of them again
 */
export function deniedSystemCalls(trace: string, filters: readonly string[]): string[] {
  const groups = systemCallGroups()
  const allowed = new Set<string>()
  for (const filter of filters) {
    const names = filter
      .replace('~', '')
      .split(' ')
      .flatMap((name) => expand(name, groups))
    for (const name of names) filter.startsWith('~') ? allowed.delete(name) : allowed.add(name)
  }
  const used = [...trace.matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name ?? '')
  if (!used.includes('execve')) throw new Error(`not a trace: ${trace.slice(0, 200)}`)
  return [...new Set(used)].filter((name) => !allowed.has(name)).sort()
}

/** The groups of systemd, such as `@io-event`, each with its calls and groups. */
function systemCallGroups(): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  const text = execFileSync('systemd-analyze', ['syscall-filter', '--no-pager'], { encoding: 'utf8', stdio: 'pipe' })
  for (const paragraph of text.split('\n\n')) {
    const [name = '', ...members] = paragraph.trim().split('\n')
    if (name.startsWith('@'))
      groups.set(
        name,
        members.map((line) => line.trim()).filter((line) => !line.startsWith('#')),
      )
  }
  return groups
}

function expand(name: string, groups: Map<string, string[]>): string[] {
  if (!name.startsWith('@')) return [name]
  const members = groups.get(name)
  if (members === undefined) throw new Error(`systemd has no group ${name}`)
  return members.flatMap((member) => expand(member, groups))
}
