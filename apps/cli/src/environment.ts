import { ExitError, ExitStatus } from './exit.ts'

/**
 * What Kubernetes gives each container of a namespace where there is a Service named like the program, in the order of its
 * documentation: `DEMO_SERVER_SERVICE_HOST`, `DEMO_SERVER_SERVICE_PORT`, with the name of a port behind it if it has one,
 * and for each port `DEMO_SERVER_PORT_8888_TCP`, with `_PROTO`, `_PORT` and `_ADDR`.
 *
 * Source: "Service", section "Environment variables", of the documentation of Kubernetes.
 */
const OF_SERVICE = /^_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/

/** Its `DEMO_SERVER_PORT`, which is the name of a flag's variable too, but no port: `tcp://10.0.0.1:8888`. */
const SERVICE_PORT = '_PORT'
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//

/** More changes than that make another name of it. */
const MOST_CHANGES = 3

/**
 * Takes out of the environment what Kubernetes says there of a Service with the program's name: nobody has set a flag
 * with it.
 *
 * @param prefix what the program's variables begin with: `DEMO_SERVER`
 */
export function forgetService(prefix: string): void {
  const port = `${prefix}${SERVICE_PORT}`
  if (SERVICE_ADDRESS.test(process.env[port] ?? '')) delete process.env[port]
  for (const name of variablesOf(prefix)) if (OF_SERVICE.test(name.slice(prefix.length))) delete process.env[name]
}

/**
 * Looks for variables that begin like the program's own and are none: what somebody mistyped would have no effect, and he
 * would not know.
 *
 * @param known all that there are
 * @throws ExitError with status 2 and one line that names the first of them, and the one that is most like it
 */
export function refuseUnknownVariables(prefix: string, known: readonly string[]): void {
  const unknown = variablesOf(prefix).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const nearest = nearestTo(unknown, known)
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  throw new ExitError(ExitStatus.usage, `there is no variable ${unknown}${hint}; see --help`)
}

function variablesOf(prefix: string): string[] {
  return Object.keys(process.env).filter((name) => name.startsWith(`${prefix}_`))
}

function nearestTo(name: string, known: readonly string[]): string | undefined {
  const distances = known.map((one) => ({ one, changes: changesBetween(name, one) }))
  const [best] = distances.toSorted((a, b) => a.changes - b.changes)
  return best === undefined || best.changes > MOST_CHANGES ? undefined : best.one
}

/** How many letters must be added, left out or replaced to make one text of the other (Levenshtein). */
function changesBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1]
    for (const [i, same] of [...other].entries()) {
      const replaced = (row[i] ?? 0) + (letter === same ? 0 : 1)
      next.push(Math.min(replaced, (row[i + 1] ?? 0) + 1, (next[i] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
