import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@demo/testkit/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { startDemoServer } from '../../apps/server/test/demo-server.ts'
import { built } from './built.ts'
import { labelValues, type Query, queries, readDashboard, substitute } from './dashboard.ts'
import { NODE_EXPORTER_METRICS, SERVER_METRICS, WORKER_METRICS } from './known-metrics.ts'
import { isInstalled, logLine, Programs, skipReason } from './programs.ts'
import { PrometheusApi } from './prometheus-api.ts'
import { type PrometheusConfig, withTargets } from './prometheus-config.ts'
import { selectors } from './promql.ts'
import { infra, readYaml } from './repository.ts'

const CONNECTIONS = 4

/** How long a program may take to start, in milliseconds. */
const STARTUP = 30_000

/** How long it may take until all queries have data, in milliseconds. On an idle machine four scrapes suffice. */
const DATA = 60_000

/** How long a query may take after the others have data, in milliseconds. */
const LATE = 10_000

const timeout = DATA + LATE

const configFile = infra('prometheus/prometheus.yml')
const config = readYaml<PrometheusConfig>(configFile)

describe.skipIf(!isInstalled('promtool'))(`promtool${skipReason(['promtool'])}`, () => {
  test.each([
    ['the configuration', ['check', 'config', configFile]],
    ['the alerts', ['check', 'rules', infra('prometheus/alerts.yml')]],
    ['that a server in trouble raises the alerts', ['test', 'rules', infra('prometheus/alerts.test.yml')]],
  ])('accepts %s', (_what, args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  })
})

const hasPrometheus = isInstalled('prometheus')
const hasNodeExporter = isInstalled('prometheus-node-exporter')

describe.skipIf(!hasPrometheus)(`a real Prometheus${skipReason(['prometheus'])}`, { timeout }, () => {
  const programs = new Programs()
  let directory: string
  let prometheus: PrometheusApi
  let dataDeadline = 0

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tcp-server-demo-'))
    const serverPort = await startServerUnderLoad()
    const ownPort = await freePort()
    const targets = new Map([
      ['tcp-server', `127.0.0.1:${serverPort}`],
      ['node', `127.0.0.1:${await startNodeExporter()}`],
      ['prometheus', `127.0.0.1:${ownPort}`],
    ])
    prometheus = await startPrometheus(ownPort, withTargets(config, targets))
    dataDeadline = performance.now() + DATA
  }, 3 * STARTUP)

  afterAll(async () => {
    await programs.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** Starts the server, and a load that runs for longer than the tests. Resolves to the server's metrics port. */
  async function startServerUnderLoad(): Promise<number> {
    const server = programs.start(process.execPath, [built('server'), '--port', '0', '--metrics-port', '0'])
    const listening = await programs.until('the server listens', STARTUP, () => logLine(server, 'listening'))
    const load = ['--connections', `${CONNECTIONS}`, '--window', '10', '--duration', '180s', '--warmup', '0s']
    programs.start(process.execPath, [built('loadgen'), 'run', '--port', `${listening['port']}`, ...load])
    return Number(listening['metricsPort'])
  }

  /** Resolves to its port; to a free port if it is not installed. */
  async function startNodeExporter(): Promise<number> {
    const port = await freePort()
    if (hasNodeExporter) programs.start('prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${port}`])
    return port
  }

  async function startPrometheus(port: number, rewritten: PrometheusConfig): Promise<PrometheusApi> {
    writeFileSync(join(directory, 'prometheus.yml'), stringify(rewritten))
    for (const file of rewritten.rule_files) copyFileSync(infra('prometheus', file), join(directory, file))
    programs.start('prometheus', [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ])
    const api = new PrometheusApi(`http://127.0.0.1:${port}`)
    await programs.until('Prometheus is ready', STARTUP, async () => (await api.isReady()) || undefined)
    return api
  }

  /** Waits until the query has a numeric sample, and resolves to all samples. */
  function samples(query: string): Promise<number[]> {
    return programs.until(query, Math.max(dataDeadline - performance.now(), LATE), async () => {
      const found = (await prometheus.values(query)).filter(Number.isFinite)
      return found.length > 0 ? found : undefined
    })
  }

  test('scrapes the server and itself', async () => {
    for (const job of ['tcp-server', 'prometheus']) expect(await samples(`up{job="${job}"}`)).toEqual([1])
  })

  test.for(named(queries(readDashboard('tcp-server'))))('answers "%s": %s', async ([, expr]) => {
    expect(await samples(expr)).not.toEqual([])
  })

  test('measures the load', async () => {
    expect(await samples('sum(tcp_server_client_connected)')).toEqual([CONNECTIONS])
    for (const metric of ['tcp_server_req_recv_total', 'tcp_server_rsp_send_total', 'tcp_server_sent_bytes_total']) {
      const [rate] = await samples(`sum(rate(${metric}[15s]))`)
      expect(rate, metric).toBeGreaterThan(0)
    }
    expect(await samples('sum(rate(tcp_server_results_total{result="failure"}[15s]))')).toEqual([0])
    const [inFlight] = await samples('sum(tcp_server_in_flight)')
    expect(inFlight).toBeLessThanOrEqual(CONNECTIONS * 10)
  })

  test('finds every expected metric of the server', async () => {
    const exported = await prometheus.labelValues('__name__', '{job="tcp-server"}')
    expect(exported).toEqual(expect.arrayContaining(SERVER_METRICS))
  })

  test('finds the additional metrics of a server with workers', async () => {
    const server = await startDemoServer(['--workers', '2'])
    const text = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text()
    for (const metric of WORKER_METRICS) expect(text).toMatch(new RegExp(`^${metric} \\d+$`, 'm'))
  })

  test('evaluates the alerts, and raises none', async () => {
    const alerts = await programs.until('every alert is evaluated', DATA, async () => {
      const found = await prometheus.alerts()
      return found.length > 0 && found.every((alert) => alert.health !== 'unknown') ? found : undefined
    })
    expect(alerts.filter((alert) => alert.health !== 'ok' || alert.state === 'firing')).toEqual([])
  })

  const machine = `and a node_exporter${skipReason(['prometheus-node-exporter'])}`

  describe.skipIf(!hasNodeExporter)(machine, { timeout }, () => {
    const dashboard = readDashboard('node-exporter')
    /** Metrics that may have no series in a sandbox, without disks, filesystems, a network, or their files in /proc. */
    const depends = /^node_(disk|filefd|filesystem|netstat|network|sockstat)_/

    /** A value for each variable of the dashboard: the first that Grafana offers. */
    async function variables(): Promise<Map<string, string>> {
      await samples('up{job="node"} == 1')
      const values = new Map<string, string>()
      for (const variable of dashboard.templating.list) {
        const { metric, label } = labelValues(variable)
        const [first] = await prometheus.labelValues(label, metric)
        if (first !== undefined) values.set(variable.name, first)
      }
      return values
    }

    test.for(named(queries(dashboard)))('answers "%s": %s', async ([, expr], { skip }) => {
      const query = substitute(expr, await variables())
      for (const { metric, selector } of selectors(query)) {
        skip(depends.test(metric) && !(await prometheus.hasSeries(selector)), `this machine has no ${selector}`)
      }
      expect(await samples(query)).not.toEqual([])
    })

    test('finds every expected metric, of the kinds that this machine has', async () => {
      const exported = await prometheus.labelValues('__name__', '{job="node"}')
      const families = new Set(exported.map(family))
      expect(exported).toEqual(
        expect.arrayContaining(NODE_EXPORTER_METRICS.filter((name) => families.has(family(name)))),
      )
    })
  })
})

function named(all: Query[]): [panel: string, expr: string][] {
  return all.map(({ panel, expr }) => [panel, expr])
}

/** `node_load` of `node_load15`, `node_disk` of `node_disk_io_time_seconds_total`. */
function family(metric: string): string {
  return /^node_[a-zA-Z]+/.exec(metric)?.[0] ?? metric
}
