import { join } from 'node:path'
import ts from 'typescript'
import { parseAllDocuments } from 'yaml'
import { infra, readYaml } from './repository.ts'

/** A resource of Kubernetes, as far as the tests look at all of them alike. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; labels?: Record<string, string> }
  spec?: unknown
}

/** What the tests read of `kustomization.yaml`. */
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

/** Several documents in one text. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

/** What Kubernetes' own schema of this kind has against the values: a type, a required field, a choice. */
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
 * What the types of these kinds have against the fields: above all those that do not exist, which a schema lets pass, and
 * a cluster too, without doing what was meant. All in one go, since it takes the compiler a while.
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

/** Where the package has a version of an API: `kubernetes-models/apps/v1`, `kubernetes-models/policy/v1`. */
function moduleOf(apiVersion: string): string {
  return `kubernetes-models/${apiVersion}`
}
