import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from './testing/run.ts'
import { PACKAGES as names, root } from './testing/workspace.ts'

/** In 5.4, `Uint8Array` has no type parameter; in 5.9, the platform accepts only `Uint8Array<ArrayBuffer>`. */
const COMPILERS = [
  ['5.9', join(root, 'node_modules/typescript/bin/tsc')],
  ['5.4', join(root, 'node_modules/typescript-5.4/bin/tsc')],
] as const

/** A program for browsers: the packages' bytes fit everywhere where the platform accepts bytes. */
const BROWSER = `
import { decodeFrames, encodeFrame, FrameDecoder, type BytesLike } from '@demo/frame'
import { CommandId, createPacketCodec } from '@demo/packet'

declare const socket: WebSocket
declare const response: Response
const codec = createPacketCodec({ dialect: undefined })
const decoder = new FrameDecoder({ maxFrameLength: undefined })

const packet = codec.encode({ command: CommandId.Submit, id: '00000001', payload: new Uint16Array(2) })
for (const bytes of [encodeFrame(packet), packet, encodeFrame(new ArrayBuffer(3)), encodeFrame(new DataView(packet.buffer))]) {
  socket.send(bytes)
  new Blob([bytes])
  void fetch('/', { method: 'POST', body: bytes })
  void crypto.subtle.digest('SHA-256', bytes)
}
const view = codec.decode(packet)
if (view.command === CommandId.Submit) socket.send(view.copy().payload)
socket.send(view.copy().bytes)

socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
  decoder.push(data)
  codec.decode(data)
}
if (response.body !== null) {
  for await (const payload of decodeFrames(response.body, { maxFrameLength: undefined })) socket.send(payload.slice())
}
const any: BytesLike[] = [new Uint8Array(1), new Float64Array(1), new DataView(new ArrayBuffer(1)), new ArrayBuffer(1), new SharedArrayBuffer(1)]
for (const bytes of any) encodeFrame(bytes)

// @ts-expect-error text is not bytes
encodeFrame('hello')
// @ts-expect-error an array is not bytes
decoder.push([1, 2, 3])
// @ts-expect-error text is not bytes
codec.encode({ command: CommandId.Submit, id: '00000001', payload: 'hello' })
`

/** A program for Node: every optional option is set to undefined. */
const NODE = `
import type { ByteStream, FrameDecoderOptions } from '@demo/frame'
import type { PacketCodecOptions } from '@demo/packet'
import type { CloseOptions, ListenOptions, ServerObserver, ServerOptions, TlsOptions } from '@demo/server'
import {
  createPayload, PayloadPool,
  type ClientErrorOptions, type ClientTls, type ConnectOptions, type LoadConnectionOptions, type ServerLocation,
  type SimulateOptions, type SubmitOptions,
} from '@demo/client-sim'
import { EngineUnavailableError, loadEngine, type EngineConnectOptions, type EngineListenOptions } from '@demo/engine'
import type { ServeMetricsOptions, ServerMetricsOptions } from '@demo/metrics'

type WithUndefined<Options> = Options extends unknown
  ? { [Name in keyof Options]-?: {} extends Pick<Options, Name> ? undefined : Options[Name] }
  : never
declare function optionsOf<Options>(): WithUndefined<Options>

export const frame: FrameDecoderOptions = optionsOf<FrameDecoderOptions>()
export const packet: PacketCodecOptions = optionsOf<PacketCodecOptions>()
export const server: ServerOptions = optionsOf<ServerOptions>()
export const tls: TlsOptions = optionsOf<TlsOptions>()
export const listen: ListenOptions = optionsOf<ListenOptions>()
export const close: CloseOptions = optionsOf<CloseOptions>()
export const observer: ServerObserver = optionsOf<ServerObserver>()
export const location: ServerLocation = optionsOf<ServerLocation>()
export const clientTls: ClientTls = optionsOf<ClientTls>()
export const connect: ConnectOptions = optionsOf<ConnectOptions>()
export const submit: SubmitOptions = optionsOf<SubmitOptions>()
export const load: LoadConnectionOptions = optionsOf<LoadConnectionOptions>()
export const simulate: SimulateOptions = optionsOf<SimulateOptions>()
export const clientError: ClientErrorOptions = optionsOf<ClientErrorOptions>()
export const serve: ServeMetricsOptions = optionsOf<ServeMetricsOptions>()
export const metrics: ServerMetricsOptions = optionsOf<ServerMetricsOptions>()

export const made: BlobPart[] = [createPayload(3, () => 'words'), new PayloadPool([new Uint8Array(1)]).bytes]
export type Stream = ByteStream

export function engine(options: EngineListenOptions, where: EngineConnectOptions): boolean {
  try {
    const engine = loadEngine()
    engine.listen(options).close()
    const connection = engine.connect({ ...where, keep: true })
    return connection.write(new Uint8Array(1), undefined)
  } catch (error) {
    return error instanceof EngineUnavailableError && error.code === 'ERR_ENGINE_UNAVAILABLE'
  }
}
`

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'types-'))
  mkdirSync(join(folder, 'node_modules/@demo'), { recursive: true })
  mkdirSync(join(folder, 'node_modules/@types'))
  for (const name of names) symlinkSync(join(root, 'packages', name), join(folder, 'node_modules/@demo', name))
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  writeFileSync(join(folder, 'browser.ts'), BROWSER)
  writeFileSync(join(folder, 'node.ts'), NODE)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Compiles one program with the published types, and returns the errors. */
async function compile(compiler: string, file: string, options: Record<string, unknown>): Promise<string> {
  const config = join(folder, `${file}.json`)
  const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, module: 'NodeNext', target: 'ES2022' }
  const compilerOptions = { ...strict, moduleResolution: 'NodeNext', ...options }
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }))
  const { status, stdout, stderr } = await run(process.execPath, [compiler, '-p', config], { folder, timeout: 100_000 })
  return status === 0 ? '' : `status ${status}\n${stdout}${stderr}`
}

describe.each(COMPILERS)('with TypeScript %s', (_version, compiler) => {
  test('what was encoded goes to a WebSocket, a Blob, a fetch and a digest', async () => {
    const options = { lib: ['ES2023', 'DOM', 'DOM.AsyncIterable', 'DOM.Iterable'], types: [], skipLibCheck: false }
    expect(await compile(compiler, 'browser.ts', options)).toBe('')
  }, 120_000)

  test('every optional option takes undefined, where that is not the same as left out', async () => {
    const options = { lib: ['ES2023', 'DOM', 'ESNext.Disposable'], types: ['node'], skipLibCheck: true }
    expect(await compile(compiler, 'node.ts', options)).toBe('')
  }, 120_000)
})

test.each(names)('each optional property that @demo/%s declares takes undefined', (name) => {
  const types = readFileSync(join(root, 'packages', name, 'dist/index.d.ts'), 'utf8')
  const optional = types.split('\n').filter((line) => /^\s+(readonly )?\w+\?: /.test(line))
  expect(optional.filter((line) => !/\b(undefined|unknown);$/.test(line))).toEqual([])
})
