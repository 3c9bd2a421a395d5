import { join } from 'node:path'
import ts from 'typescript'
import { parseAllDocuments } from 'yaml'
import { infra, readYaml } from './repository.ts'

/** The parts of a Kubernetes resource that all resources have. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; labels?: Record<string, string> }
  spec?: unknown
}

/** The parts of `kustomization.yaml` that the tests read. */
export interface Kustomization {
  resources: string[]
  configMapGenerator: { name: string; files: string[] }[]
  images: { name: string; newTag: string }[]
}

export const folder = infra('kubernetes')

export const kustomization = readYaml<Kustomization>(join(folder, 'kustomization.yaml'))

export function readManifest<T = Manifest>(file: string): T {
  return readYaml<T>(join(folder, file))
}

/** Parses a text with several documents. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

/** The errors of Kubernetes' own schema for the values: types, required fields, choices. */
export async function schemaErrors({ apiVersion, kind, ...rest }: Manifest): Promise<string> {
  const models = (await import(moduleOf(apiVersion))) as Record<string, new (data: object) => { validate(): void }>
  const Model = models[kind]
  if (Model === undefined) return `there is no ${kind} in ${apiVersion}`
  try {
    new Model(rest).validate()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * The errors of these kinds' types for the fields, above all fields that do not exist: the schema and a cluster accept them, and
 * ignore them. All at once, because the compiler is slow.
 */
export function typeErrors(manifests: readonly Manifest[]): string[] {
  const file = infra('test/manifests.generated.ts')
  const source = manifests.map((manifest, i) => {
    const type = `import('${moduleOf(manifest.apiVersion)}').I${manifest.kind}`
    return `export const manifest${i}: ${type} = ${JSON.stringify(manifest)}`
  })
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  }
  // The file is only in memory, at a place from where the packages are found.
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.getSourceFile = (name, version, ...others) =>
    name === file ? ts.createSourceFile(name, source.join('\n'), version) : getSourceFile(name, version, ...others)
  const program = ts.createProgram([file], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

/** The module of an API version: `kubernetes-models/apps/v1`, `kubernetes-models/policy/v1`. */
function moduleOf(apiVersion: string): string {
  return `kubernetes-models/${apiVersion}`
}
