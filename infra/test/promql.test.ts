import { expect, test } from 'vitest'
import { ranges, selectors } from './promql.ts'

test('finds the metrics of a query, and nothing else', () => {
  const query =
    'sum by (instance) (rate(a_total{result="failure",x=~"b(c|}).*"}[15s])) / on (le) (sum(d:e) > 1e3) and up offset 5m'
  expect(selectors(query)).toEqual([
    { metric: 'a_total', selector: 'a_total{result="failure",x=~"b(c|}).*"}' },
    { metric: 'd:e', selector: 'd:e' },
    { metric: 'up', selector: 'up' },
  ])
  expect(ranges(query)).toEqual(['15s'])
})

test('reads a query without metrics', () => {
  expect(selectors('time() - 1')).toEqual([])
  expect(ranges('time() - 1')).toEqual([])
})
