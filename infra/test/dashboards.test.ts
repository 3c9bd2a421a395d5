import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dashboardFiles, type GridPosition, labelValues, queries, readDashboard, substitute } from './dashboard.ts'
import { NODE_EXPORTER_METRICS, SCRAPE_METRICS, SERVER_METRICS, WORKER_METRICS } from './known-metrics.ts'
import type { AlertRules, PrometheusConfig } from './prometheus-config.ts'
import { ranges, selectors } from './promql.ts'
import { filesIn, infra, readYaml } from './repository.ts'

const known = new Map([
  ['tcp-server', new Set([...SERVER_METRICS, ...SCRAPE_METRICS])],
  ['node-exporter', new Set([...NODE_EXPORTER_METRICS, ...SCRAPE_METRICS])],
])

const datasources = filesIn(infra('grafana/provisioning/datasources'), '.yaml').flatMap(
  (file) => readYaml<{ datasources: { uid: string; type: string; url: string }[] }>(file).datasources,
)

const uids = dashboardFiles.map((file) => basename(file, '.json'))

function overlap(a: GridPosition, b: GridPosition): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

test('there is a dashboard of the server and one of the machine', () => {
  expect(uids.sort()).toEqual([...known.keys()].sort())
})

test('the datasource is the Prometheus of the stack', () => {
  expect(datasources).toEqual([
    expect.objectContaining({ uid: 'prometheus', type: 'prometheus', url: 'http://prometheus:9090' }),
  ])
})

describe.each(uids)('%s', (uid) => {
  const dashboard = readDashboard(uid)
  const { panels } = dashboard
  const charts = panels.filter((panel) => panel.type !== 'row')
  const variables = new Map(dashboard.templating.list.map((variable) => [variable.name, 'any']))

  test('has the name of its file, in the format of Grafana 12', () => {
    expect(dashboard).toMatchObject({ uid, title: uid, schemaVersion: 41 })
  })

  test('numbers every panel once', () => {
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length)
  })

  test('lays its panels out side by side', () => {
    for (const [index, panel] of panels.entries()) {
      const { x, y, w, h } = panel.gridPos
      expect(Math.min(x, y, w - 1, h - 1), `${panel.title} has a place`).toBeGreaterThanOrEqual(0)
      expect(x + w, `${panel.title} ends within 24 columns`).toBeLessThanOrEqual(24)
      const covered = panels.slice(index + 1).filter((other) => overlap(panel.gridPos, other.gridPos))
      expect(
        covered.map((other) => other.title),
        `covered by ${panel.title}`,
      ).toEqual([])
    }
  })

  test('has a description and a datasource for every panel', () => {
    for (const { title, description, targets = [], datasource } of charts) {
      expect(description, title).toMatch(/\w/)
      expect(new Set(targets.map((target) => target.refId)).size, title).toBe(Math.max(targets.length, 1))
      expect(datasources, title).toContainEqual(expect.objectContaining(datasource))
    }
    for (const { name, datasource } of dashboard.templating.list) {
      expect(datasources, name).toContainEqual(expect.objectContaining(datasource))
    }
  })

  test('uses metrics and variables that exist', () => {
    const read = queries(dashboard).flatMap(({ expr }) => selectors(substitute(expr, variables)))
    const metrics = [...read, ...dashboard.templating.list.map(labelValues)].map(({ metric }) => metric)
    for (const metric of metrics) expect(known.get(uid)).toContain(metric)
  })

  test('takes rates over three scrapes', () => {
    const { global } = readYaml<PrometheusConfig>(infra('prometheus/prometheus.yml'))
    expect(global.scrape_interval).toBe('5s')
    expect(new Set(queries(dashboard).flatMap(({ expr }) => ranges(expr)))).toEqual(new Set(['15s']))
  })
})

test('the three charts of the original are there', () => {
  const byPanel = new Map(queries(readDashboard('tcp-server')).map(({ panel, expr }) => [panel, expr]))
  expect(byPanel.get('req_recv_rate')).toBe('rate(tcp_server_req_recv_total[15s])')
  expect(byPanel.get('rsp_send_rate')).toBe('rate(tcp_server_rsp_send_total[15s])')
  expect(byPanel.get('client_connected')).toBe('tcp_server_client_connected')
})

test('the alerts use metrics that exist', () => {
  const { groups } = readYaml<AlertRules>(infra('prometheus/alerts.yml'))
  const read = groups.flatMap(({ rules }) => rules).flatMap(({ expr }) => selectors(expr))
  expect(read).not.toEqual([])
  const alerted = [...(known.get('tcp-server') ?? []), ...WORKER_METRICS]
  for (const { metric } of read) expect(alerted).toContain(metric)
})
