import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { IDeployment } from 'kubernetes-models/apps/v1'
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1'
import type { ISecret, IService } from 'kubernetes-models/v1'
import { describe, expect, test } from 'vitest'
import { ACCEPTED, checkConfig } from './built.ts'
import { readStages } from './containerfile.ts'
import { longestDrain } from './drain-time.ts'
import { SERVER_METRICS } from './known-metrics.ts'
import {
  folder,
  kustomization,
  type Manifest,
  parseManifests,
  readManifest,
  schemaErrors,
  typeErrors,
} from './kubernetes.ts'
import { isInstalled, skipReason } from './programs.ts'
import { filesIn, readText, readYaml } from './repository.ts'
import { makeSecrets } from './secrets.ts'

const SECRET = 'secret.example.yaml'
const files = [...kustomization.resources, SECRET]
const manifests = files.map((file) => readManifest(file))

const deployment = readManifest<IDeployment>('deployment.yaml')
const service = readManifest<IService>('service.yaml')
const budget = readManifest<IPodDisruptionBudget>('disruption-budget.yaml')
const autoscaler = readManifest<IHorizontalPodAutoscaler>('autoscaler.yaml')
const policy = readManifest<INetworkPolicy>('network-policy.yaml')
const secret = readManifest<ISecret>(SECRET)

const configFile = join(folder, 'demo-server.yaml')
const config = readYaml<Record<string, unknown>>(configFile)

const template = deployment.spec?.template
const pod = template?.spec
const [container] = pod?.containers ?? []
const ports = new Map(container?.ports?.map(({ name, containerPort }) => [name, containerPort]))

test('every file is applied, or is a known exception', () => {
  const known = [...files, 'demo-server.yaml', 'kustomization.yaml', 'prometheus-adapter.yaml']
  expect(filesIn(folder, '.yaml')).toEqual(known.sort().map((file) => join(folder, file)))
})

test.each(files)("Kubernetes' schema accepts %s", async (file) => {
  expect(await schemaErrors(readManifest(file))).toBe('')
})

test('no manifest has a field that does not exist', () => {
  expect(typeErrors(manifests)).toEqual([])
})

test('the checks refuse an invalid value, and a field that does not exist', async () => {
  const wrong: Manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'x' },
    spec: { ports: [{ port: 'x' }] },
  }
  expect(await schemaErrors(wrong)).toMatch(/port/)
  const misspelt: Manifest = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec: { port: [] } }
  expect(typeErrors([misspelt])).toEqual([expect.stringMatching(/port.* does not exist/)])
})

test.skipIf(!isInstalled('openssl'))(`the program takes the configuration${skipReason(['openssl'])}`, () => {
  expect(checkConfig(configFile, makeSecrets().flags)).toEqual(ACCEPTED)
})

describe('the pods', () => {
  test('listen on the ports of the program and of all other resources', () => {
    expect(Object.fromEntries(ports)).toEqual({ demo: config['port'], metrics: config['metrics-port'] })
    expect(service.spec?.ports?.map(({ targetPort }) => targetPort)).toEqual(['demo'])
    expect(template?.metadata?.annotations?.['prometheus.io/port']).toBe(`${ports.get('metrics')}`)
    const open = policy.spec?.ingress?.flatMap((rule) => rule.ports?.map(({ port }) => port))
    expect(open).toEqual(['demo', 'metrics'])
    const image = readStages().at(-1) ?? []
    const exposed = image.find(({ keyword }) => keyword === 'EXPOSE')?.text.split(' ')
    expect(exposed).toEqual([...ports.values()].map(String))
  })

  test('are matched by all selectors', () => {
    const labels = { 'app.kubernetes.io/name': 'demo-server' }
    expect(template?.metadata?.labels).toEqual(labels)
    for (const { metadata } of manifests) expect(metadata).toMatchObject({ name: 'demo-server', labels })
    const spread = pod?.topologySpreadConstraints?.map(({ labelSelector }) => labelSelector)
    const selectors = [deployment.spec?.selector, budget.spec?.selector, policy.spec?.podSelector, ...(spread ?? [])]
    expect(selectors).toHaveLength(5)
    for (const selector of selectors) expect(selector).toEqual({ matchLabels: labels })
    expect(service.spec?.selector).toEqual(labels)
    const { apiVersion, kind, metadata } = deployment
    expect(autoscaler.spec?.scaleTargetRef).toEqual({ apiVersion, kind, name: metadata?.name })
  })

  test('have their probes on the metrics port', () => {
    const { startupProbe, livenessProbe, readinessProbe } = container ?? {}
    expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet)).toEqual([
      { path: '/readyz', port: 'metrics' },
      { path: '/healthz', port: 'metrics' },
      { path: '/readyz', port: 'metrics' },
    ])
  })

  test('have time to drain', () => {
    const waits = container?.lifecycle?.preStop?.sleep?.seconds ?? 0
    expect(waits).toBeGreaterThan(0)
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(waits + longestDrain(config))
  })

  test('have no unneeded rights', () => {
    const [user] =
      readStages()
        .at(-1)
        ?.filter(({ keyword }) => keyword === 'USER') ?? []
    const { runAsUser, runAsGroup, ...context } = pod?.securityContext ?? {}
    expect(`${runAsUser}:${runAsGroup}`).toBe(user?.text)
    expect(context).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(pod?.automountServiceAccountToken).toBe(false)
  })

  test('have their configuration, and every file that it names', () => {
    const mounts = new Map(container?.volumeMounts?.map(({ name, mountPath }) => [name, mountPath]))
    const [generated] = kustomization.configMapGenerator
    expect(pod?.volumes).toMatchObject([
      { name: 'config', configMap: { name: generated?.name } },
      { name: 'secret', secret: { secretName: secret.metadata?.name } },
    ])
    expect(container?.args).toEqual(['--config', `${mounts.get('config')}/${generated?.files[0]}`])
    const named = ['auth-tokens-file', 'tls-cert', 'tls-key'].map((key) => config[key])
    expect(named).toEqual(Object.keys(secret.stringData ?? {}).map((key) => `${mounts.get('secret')}/${key}`))
  })

  test('run an exact version of the image', () => {
    expect(kustomization.images).toEqual([
      { name: container?.image, newName: expect.any(String), newTag: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
    ])
  })
})

test('the autoscaler uses a metric that the server exports and the adapter provides', () => {
  const [metric] = autoscaler.spec?.metrics ?? []
  const { name = '' } = metric?.pods?.metric ?? {}
  expect(SERVER_METRICS).toContain(name)
  const { rules } = readManifest<{ rules: { custom: { seriesQuery: string; name: { as: string } }[] } }>(
    'prometheus-adapter.yaml',
  )
  expect(rules.custom.map(({ seriesQuery, name: { as } }) => [seriesQuery.split('{')[0], as])).toEqual([[name, name]])
  expect(Number(metric?.pods?.target.averageValue)).toBeLessThan(Number(config['max-connections']))
})

test.skipIf(!isInstalled('kubectl'))(`kubectl puts it together${skipReason(['kubectl'])}`, async () => {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  const rendered = parseManifests(stdout)
  expect(rendered.map(({ kind }) => kind).sort()).toEqual(
    ['ConfigMap', ...kustomization.resources.map((file) => readManifest(file).kind)].sort(),
  )
  for (const manifest of rendered) expect(await schemaErrors(manifest)).toBe('')
  const map = rendered.find(({ kind }) => kind === 'ConfigMap') as Manifest & { data: Record<string, string> }
  expect(map.data).toEqual({ 'demo-server.yaml': readText(configFile) })
  expect(map.metadata.name).toMatch(/^demo-server-\w+$/)
  const final = rendered.find(({ kind }) => kind === 'Deployment') as unknown as IDeployment
  expect(final.spec?.template.spec?.volumes?.[0]?.configMap?.name).toBe(map.metadata.name)
})
