import { filesIn, infra, readJson } from './repository.ts'

export interface GridPosition {
  x: number
  y: number
  w: number
  h: number
}

export interface Target {
  refId: string
  expr: string
}

export interface Panel {
  id: number
  type: string
  title: string
  description?: string
  datasource?: { type: string; uid: string }
  gridPos: GridPosition
  targets?: Target[]
}

export interface Variable {
  name: string
  type: string
  definition: string
  datasource: { type: string; uid: string }
}

export interface Dashboard {
  uid: string
  title: string
  schemaVersion: number
  panels: Panel[]
  templating: { list: Variable[] }
}

/** One query of one panel. */
export interface Query {
  panel: string
  expr: string
}

export const dashboardFiles = filesIn(infra('grafana/dashboards'), '.json')

export function readDashboard(uid: string): Dashboard {
  return readJson<Dashboard>(infra('grafana/dashboards', `${uid}.json`))
}

export function queries(dashboard: Dashboard): Query[] {
  return dashboard.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({ panel: panel.title, expr: target.expr })),
  )
}

/** The metric and label of `label_values(metric, label)`, the query of a variable. */
export function labelValues(variable: Variable): { metric: string; label: string } {
  const groups = /^label_values\((?<metric>[\w:]+), (?<label>\w+)\)$/.exec(variable.definition)?.groups
  if (groups === undefined) throw new Error(`"${variable.definition}" is not label_values(metric, label)`)
  const { metric = '', label = '' } = groups
  return { metric, label }
}

/** The query that Grafana sends: each variable is replaced by its value. */
export function substitute(expr: string, values: Map<string, string>): string {
  return expr.replace(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`$${name} of "${expr}" is not a variable of the dashboard`)
    return value
  })
}
