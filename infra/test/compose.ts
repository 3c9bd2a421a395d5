import { infra, readYaml } from './repository.ts'

export interface Service {
  image?: string
  build?: { context: string; dockerfile: string }
  command?: string[]
  environment?: Record<string, string>
  healthcheck?: { test: string[] }
  network_mode?: string
  pid?: string
  ipc?: string
  ports?: string[]
  privileged?: boolean
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  stop_grace_period?: string
  restart?: string
  volumes?: string[]
}

export interface Compose {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}

/** One entry of `volumes`, in its short form: `source:target:flags`. */
export interface Mount {
  /** A name, or a path that begins with a dot or a slash. */
  source: string
  target: string
  readOnly: boolean
  isBind: boolean
}

/** One entry of `ports`, in its short form: `address:published:container`. */
export interface PublishedPort {
  /** Empty if it is open to all machines. */
  address: string
  published: number
  container: number
}

export function readCompose(): Compose {
  return readYaml<Compose>(infra('compose.yaml'))
}

export function mounts(service: Service): Mount[] {
  return (service.volumes ?? []).map((entry) => {
    const [source = '', target = '', flags = ''] = entry.split(':')
    return { source, target, readOnly: flags.split(',').includes('ro'), isBind: /^[./~]/.test(source) }
  })
}

export function publishedPorts(service: Service): PublishedPort[] {
  return (service.ports ?? []).map((entry) => {
    const match = /^(?:(?<address>[\d.]+):)?(?<published>\d+):(?<container>\d+)$/.exec(entry)
    if (match?.groups === undefined) throw new Error(`"${entry}" is not address:published:container`)
    const { address = '', published, container } = match.groups
    return { address, published: Number(published), container: Number(container) }
  })
}
