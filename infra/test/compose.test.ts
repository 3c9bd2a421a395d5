import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mounts, publishedPorts, readCompose } from './compose.ts'
import { type PrometheusConfig, scrapeTargets } from './prometheus-config.ts'
import { filesIn, infra, readText, readYaml } from './repository.ts'

const compose = readCompose()
const services = Object.entries(compose.services)

test('it has the server and its monitoring', () => {
  expect(Object.keys(compose.services).sort()).toEqual(['grafana', 'node-exporter', 'prometheus', 'server'])
})

test.each(services)('%s has no more rights than it needs', (_name, service) => {
  expect(service).not.toHaveProperty('privileged')
  expect(service).not.toHaveProperty('cap_add')
  expect(service).not.toHaveProperty('devices')
  for (const namespace of [service.network_mode, service.pid, service.ipc]) expect(namespace).not.toBe('host')
})

test.each(services)('%s runs an exact version', (_name, service) => {
  if (service.build === undefined) expect(service.image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+$/)
  else expect(existsSync(infra(service.build.context, service.build.dockerfile))).toBe(true)
})

test.each(services)('%s is watched, and started again when it dies', (_name, service) => {
  expect(service.restart).toBe('unless-stopped')
  expect(service.healthcheck?.test[0]).toBe('CMD')
})

test.each(services)('%s mounts what is there', (_name, service) => {
  for (const mount of mounts(service)) {
    if (mount.isBind) {
      expect(mount.source).toMatch(/^\.\//)
      expect(existsSync(infra(mount.source)), mount.source).toBe(true)
      expect(mount.readOnly, `${mount.source} is read-only`).toBe(true)
    } else {
      expect(Object.keys(compose.volumes)).toContain(mount.source)
    }
  }
})

test('every named volume is used', () => {
  const used = services.flatMap(([, service]) => mounts(service)).map((mount) => mount.source)
  for (const name of Object.keys(compose.volumes)) expect(used).toContain(name)
})

test('only the protocol is open to other machines', () => {
  const ports = services.flatMap(([, service]) => publishedPorts(service))
  expect(ports.filter((port) => port.address !== '127.0.0.1').map((port) => port.published)).toEqual([8888])
  expect(ports.map((port) => port.published).sort((a, b) => a - b)).toEqual([3000, 8888, 8889, 9090, 9100])
})

test('Prometheus scrapes the services by name, on their ports', () => {
  for (const target of scrapeTargets(readYaml<PrometheusConfig>(infra('prometheus/prometheus.yml')))) {
    const [host = '', port] = target.split(':')
    const service = compose.services[host === 'localhost' ? 'prometheus' : host]
    expect(service, target).toBeDefined()
    const ports = service === undefined ? [] : publishedPorts(service).map(({ container }) => container)
    expect(ports, target).toContain(Number(port))
  }
})

test('Prometheus gets the directory of its configuration', () => {
  const { command = [], ...prometheus } = compose.services['prometheus'] ?? {}
  expect(command).toContain('--config.file=/etc/prometheus/prometheus.yml')
  expect(mounts(prometheus)).toContainEqual(
    expect.objectContaining({ source: './prometheus', target: '/etc/prometheus', readOnly: true }),
  )
})

test('Grafana finds the datasource, the dashboards and its home page', () => {
  const grafana = compose.services['grafana'] ?? {}
  const targets = new Map(mounts(grafana).map(({ target, source }) => [target, source]))
  expect(targets.get('/etc/grafana/provisioning')).toBe('./grafana/provisioning')
  const [file = ''] = filesIn(infra('grafana/provisioning/dashboards'), '.yaml')
  const { providers } = readYaml<{ providers: { options: { path: string } }[] }>(file)
  expect(providers.map((provider) => targets.get(provider.options.path))).toEqual(['./grafana/dashboards'])

  const home = grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? ''
  expect(existsSync(infra(home.replace('/etc/grafana/dashboards', 'grafana/dashboards')))).toBe(true)
})

test('the password comes from the environment, and its default is documented', () => {
  const password = compose.services['grafana']?.environment?.['GF_SECURITY_ADMIN_PASSWORD'] ?? ''
  const { variable = '', fallback = '' } = /^\$\{(?<variable>\w+):-(?<fallback>[^}]+)\}$/.exec(password)?.groups ?? {}
  expect(variable).toBe('GRAFANA_ADMIN_PASSWORD')
  const readme = readText(infra('README.md'))
  expect(readme).toContain(variable)
  expect(readme).toContain(`\`${fallback}\``)
})

test('the server cannot write or gain rights, and has time to drain', () => {
  expect(compose.services['server']).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  })
  const drainTimeout = 10
  const lingerTimeout = 2
  expect(Number.parseInt(compose.services['server']?.stop_grace_period ?? '', 10)).toBeGreaterThan(
    drainTimeout + lingerTimeout,
  )
})
