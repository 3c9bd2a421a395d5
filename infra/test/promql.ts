/** A metric of a query, and its selector: `up` and `up{job="node"}`. */
export interface Selector {
  metric: string
  selector: string
}

const STRING = /"(?:[^"\\]|\\.)*"/.source
const RANGE = /\[(?<range>[^\]]*)\]/.source
/** `sum by (le)`, `on (instance)`: an aggregation and its labels, or the labels of a match. */
const GROUPING = /(?:[a-z]+ )?\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/.source
const CALL = /[a-zA-Z_]\w*\s*\(/.source
const NUMBER = /\d[\w.]*/.source
const SELECTOR = `(?<metric>[a-zA-Z_:][\\w:]*)(?:\\{(?:[^}"]|${STRING})*\\})?`
const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset'])

/** Not a full parser: it knows the syntax that the queries of this project use. */
function tokens(query: string): RegExpMatchArray[] {
  return [...query.matchAll(new RegExp([STRING, RANGE, GROUPING, CALL, NUMBER, SELECTOR].join('|'), 'g'))]
}

/** The series of a PromQL query. */
export function selectors(query: string): Selector[] {
  return tokens(query).flatMap(({ 0: selector, groups }) => {
    const metric = groups?.['metric']
    return metric === undefined || OPERATORS.has(metric) ? [] : [{ metric, selector }]
  })
}

/** The time ranges of a PromQL query: `15s` of `rate(x[15s])`. */
export function ranges(query: string): string[] {
  return tokens(query).flatMap(({ groups }) => groups?.['range'] ?? [])
}
