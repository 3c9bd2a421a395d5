import { usageError } from './exit.ts'

/**
 * The variables that Kubernetes sets in each container if its namespace has a Service named like the program:
 * `DEMO_SERVER_SERVICE_HOST`, `DEMO_SERVER_SERVICE_PORT`, the same with the name of a port appended, and for each port
 * `DEMO_SERVER_PORT_8888_TCP`, also with `_PROTO`, `_PORT` and `_ADDR` appended.
 *
 * Source: "Service", section "Environment variables", of the documentation of Kubernetes.
 */
const SERVICE_VARIABLE = /^_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/

/** Kubernetes also sets `DEMO_SERVER_PORT`, the variable of a flag, to an address: `tcp://10.0.0.1:8888`. */
const SERVICE_PORT = '_PORT'
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//

/** A name that differs by more letters is not suggested. */
const MOST_CHANGES = 3

/**
 * Deletes the variables that Kubernetes sets for a Service with the program's name: they are not meant as flags.
 *
 * @param prefix of the program's variables: `DEMO_SERVER`
 */
export function dropServiceVariables(prefix: string): void {
  const port = `${prefix}${SERVICE_PORT}`
  if (SERVICE_ADDRESS.test(process.env[port] ?? '')) delete process.env[port]
  for (const name of variablesOf(prefix)) if (SERVICE_VARIABLE.test(name.slice(prefix.length))) delete process.env[name]
}

/**
 * Refuses variables that have the program's prefix and are not known. A mistyped variable would have no effect, and no
 * message would say so.
 *
 * @throws ExitError with status 2 and one line that names the first unknown variable and the most similar known one
 */
export function refuseUnknownVariables(prefix: string, known: readonly string[]): void {
  const unknown = variablesOf(prefix).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const nearest = nearestTo(unknown, known)
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  throw usageError(`there is no variable ${unknown}${hint}; see --help`)
}

function variablesOf(prefix: string): string[] {
  return Object.keys(process.env).filter((name) => name.startsWith(`${prefix}_`))
}

function nearestTo(name: string, known: readonly string[]): string | undefined {
  const distances = known.map((one) => ({ one, changes: changesBetween(name, one) }))
  const [best] = distances.toSorted((a, b) => a.changes - b.changes)
  return best === undefined || best.changes > MOST_CHANGES ? undefined : best.one
}

/** How many letters to add, remove or replace to turn one text into the other (Levenshtein distance). */
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
