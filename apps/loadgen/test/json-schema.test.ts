import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import manifest from '../package.json' with { type: 'json' }
import schema from '../schema/run.v1.schema.json' with { type: 'json' }
import { runLoad } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

const validate = new Ajv2020({ allErrors: true, strict: true, strictRequired: false }).compile(schema)

/** What the schema has against a value; nothing where it is valid. */
function complaints(value: unknown): string[] {
  validate(value)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

const SMALL = ['--amount', 1000, '--connections', 3, '--window', 7] as const

describe('the published schema of the JSON', () => {
  it('is packed with the program', () => {
    expect(manifest.files).toContain('schema')
    expect(schema.$id).toBe(schema.properties.$schema.const)
  })

  it('holds for a run', async () => {
    const { port } = await startDemoServer()
    const { status, json } = await runLoad(port, SMALL)
    expect(status).toBe(0)
    expect(complaints(json)).toEqual([])
  })

  it('holds for a run with everything: slices, repeats, thresholds', async () => {
    const { port } = await startDemoServer()
    const { json } = await runLoad(port, [
      ...['--duration', '300ms', '--connections', 2, '--window', 5, '--repeat', 3],
      ...['--threshold', 'p99<1us', '--threshold', 'errors==0,acks>1'],
    ])
    expect(complaints(json)).toEqual([])
    expect(json).toMatchObject({
      repeats: { length: 3 },
      thresholds: [
        { threshold: 'p99<1us', passed: false },
        { threshold: 'errors==0', actual: 0, passed: true },
        { threshold: 'acks>1', passed: true },
      ],
    })
  })

  it('holds for a run in which everything went wrong', async () => {
    let connections = 0
    const port = await startOddServer((socket) => {
      connections += 1
      if (connections === 1) socket.resume().end()
      else answering((id, number) => (number === 1 ? `0000000e82${id}01` : ''))(socket)
    })
    const { status, json } = await runLoad(port, [...SMALL, '--timeout', '300ms'])
    expect(status).toBe(1)
    expect(json).toMatchObject({ errors: 1, errorMessages: [expect.any(String)] })
    expect(complaints(json)).toEqual([])
  })

  it('does not hold where a field is missing, another, or new: drift is seen', async () => {
    const { port } = await startDemoServer()
    const { json } = await runLoad(port, SMALL)
    const { acks: _, ...withoutAcks } = json
    expect(complaints(withoutAcks)).toEqual([expect.stringContaining("'acks'")])
    expect(complaints({ ...json, acks: '1000' })).toEqual([expect.stringContaining('/acks')])
    expect(complaints({ ...json, surprise: 1 })).not.toEqual([])
    expect(complaints({ ...json, latencyMs: { ...json.latencyMs, p75: 1 } })).not.toEqual([])
    expect(complaints({ ...json, options: { ...json.options, surprise: 1 } })).not.toEqual([])
    expect(complaints({ ...json, schemaVersion: 2 })).not.toEqual([])
  })

  it('says what each figure means', () => {
    const text = readFileSync(new URL('../schema/run.v1.schema.json', import.meta.url), 'utf8')
    const described = Object.entries(schema.$defs.run.properties).filter(([, property]) => 'description' in property)
    expect(text).toContain('draft/2020-12')
    expect(described.length).toBeGreaterThanOrEqual(Object.keys(schema.$defs.run.properties).length - 1)
  })
})
