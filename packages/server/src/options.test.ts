import { conn, connAck, filler, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { type CheckedOptions, checkOptions } from './check-options.ts'
import { createServer, type Handlers, ServerOptionError, type ServerOptions } from './index.ts'
import { startServer } from './testing/harness.ts'

const HANDLERS: Handlers = { onSubmit: () => 0 }

/** What comes of a server with options that no type checker would let pass. */
function errorOf(options: Record<string, unknown>, handlers: Handlers = HANDLERS): ServerOptionError {
  try {
    createServer(handlers, options as ServerOptions)
  } catch (error) {
    if (error instanceof ServerOptionError) return error
    throw error
  }
  throw new Error('the options were taken')
}

/** The numbers among the options: the least and the most, besides 0, and the default. */
const NUMBERS: Array<[name: keyof CheckedOptions & keyof ServerOptions, min: number, max: number, standard: number]> = [
  ['maxFrameLength', 13, 2 ** 32 - 1, 1_048_576],
  ['maxConnections', 1, 2 ** 31 - 1, 10_000],
  ['maxInFlight', 1, 2 ** 31 - 1, 1024],
  ['maxWriteBuffer', 1024, 2 ** 31 - 1, 1_048_576],
  ['handshakeTimeout', 1, 2 ** 31 - 1, 5000],
  ['frameTimeout', 1, 2 ** 31 - 1, 15_000],
  ['idleTimeout', 1, 2 ** 31 - 1, 300_000],
  ['writeTimeout', 1, 2 ** 31 - 1, 10_000],
  ['handlerTimeout', 1, 2 ** 31 - 1, 30_000],
  ['lingerTimeout', 1, 2 ** 31 - 1, 2000],
]

describe.each(NUMBERS)('%s', (name, min, max, standard) => {
  test('has the documented default', () => {
    expect(checkOptions({}, false)[name]).toBe(standard)
    expect(checkOptions({ [name]: undefined }, false)[name]).toBe(standard)
  })

  test('may be anything from its least to its most', () => {
    for (const value of [min, min + 1, max]) expect(checkOptions({ [name]: value }, false)[name]).toBe(value)
    expect(() => createServer(HANDLERS, { [name]: min })).not.toThrow()
    expect(() => createServer(HANDLERS, { [name]: max })).not.toThrow()
  })

  test('0 switches it off', () => {
    // The length field ends the frames in any case.
    const none = name === 'maxFrameLength' ? 2 ** 32 - 1 : Number.POSITIVE_INFINITY
    expect(checkOptions({ [name]: 0 }, false)[name]).toBe(none)
    expect(() => createServer(HANDLERS, { [name]: 0 })).not.toThrow()
  })

  test.each<[string, unknown]>([
    ['-1', -1],
    [String(min + 0.5), min + 0.5],
    [String(max + 1), max + 1],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['100 in quotes', '100'],
    ['10s in quotes', '10s'],
    ['null', null],
    ['true', true],
  ])('can’t be %s: the error names the option, the value, and what is allowed', (shown, value) => {
    const error = errorOf({ [name]: value })
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ name: 'ServerOptionError', code: 'ERR_SERVER_OPTION', option: name, value })
    expect(error.allowed).toBe(`an integer from ${min} to ${max}, or 0 for no limit`)
    expect(error.problem).toBe(error.message.replace(`invalid ${name} `, 'invalid value '))
    // Either kind of quotes tells a text from a number.
    const message = error.message.replace(/["'](.*)["']/, '$1 in quotes')
    expect(message).toBe(`invalid ${name} ${shown}: expected ${error.allowed}`)
  })

  if (min > 1) {
    test('can’t be below its least, but for 0', () => {
      expect(errorOf({ [name]: min - 1 })).toMatchObject({ option: name, value: min - 1 })
    })
  }
})

test.each<[string, unknown]>([
  ['a BigInt', 100n],
  ['an object', {}],
  ['a symbol', Symbol('many')],
  ['an array of what is no text', [Symbol('many')]],
  ['an object that is no text', Object.create(null)],
])('an option can’t be %s', (_name, value) => {
  expect(errorOf({ maxInFlight: value })).toMatchObject({ option: 'maxInFlight', value })
  expect(errorOf({ dialect: value })).toMatchObject({ option: 'dialect', value })
})

describe('dialect', () => {
  test('is the specification unless told otherwise', () => {
    expect(checkOptions({}, false).dialect).toBe('specification')
    expect(checkOptions({ dialect: 'go-demo' }, false).dialect).toBe('go-demo')
  })

  test.each<[unknown]>([['go'], ['Specification'], [''], [null], [0], [['specification']]])(
    'can’t be %j',
    (dialect) => {
      const error = errorOf({ dialect })
      expect(error).toMatchObject({ option: 'dialect', value: dialect, allowed: 'one of specification, go-demo' })
      expect(error.message).toContain('invalid dialect ')
    },
  )
})

describe('requireConn', () => {
  test('is what the handlers suggest', () => {
    expect(checkOptions({}, true).requireConn).toBe(true)
    expect(checkOptions({}, false).requireConn).toBe(false)
    expect(checkOptions({ requireConn: false }, true).requireConn).toBe(false)
  })

  test('makes no sense without an onConn', () => {
    const error = errorOf({ requireConn: true })
    expect(error).toMatchObject({ option: 'requireConn', value: true })
    expect(error.message).toContain('onConn')
    expect(() => createServer({ ...HANDLERS, onConn: () => 0 }, { requireConn: true })).not.toThrow()
  })

  test.each<[unknown]>([['yes'], [1], [null]])('can’t be %j', (requireConn) => {
    expect(errorOf({ requireConn })).toMatchObject({
      option: 'requireConn',
      value: requireConn,
      allowed: 'true or false',
    })
  })
})

describe('observer', () => {
  test.each<[unknown]>([[null], ['console'], [5]])('can’t be %s', (observer) => {
    expect(errorOf({ observer })).toMatchObject({ option: 'observer', value: observer })
  })

  test.each(['attach', 'answered', 'connections'])('can’t have an %s that is no function', (name) => {
    expect(errorOf({ observer: { [name]: 5 } })).toMatchObject({ option: expect.stringContaining('observer') })
  })
})

describe('an option that is none', () => {
  test('is named, with its value and what there is', () => {
    const error = errorOf({ maxFrameLenght: 5 })
    expect(error).toMatchObject({ code: 'ERR_SERVER_OPTION', option: 'maxFrameLenght', value: 5 })
    expect(error.message).toContain('maxFrameLenght')
    expect(error.message).toMatch(/^invalid maxFrameLenght: no such option; expected one of /)
    for (const [name] of NUMBERS) expect(error.allowed).toContain(name)
    for (const name of ['dialect', 'requireConn', 'observer']) expect(error.allowed).toContain(name)
  })

  test('is one even when its value is undefined', () => {
    expect(errorOf({ maxFrames: undefined })).toMatchObject({ option: 'maxFrames' })
  })
})

test('the options object is not written to, and may change later without effect', async () => {
  const options: ServerOptions = Object.freeze({ maxFrameLength: 64 })
  const { connect } = await startServer({}, options)
  const peer = await connect()
  peer.send(submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
})

test('the shortest limits still make a server that works', async () => {
  const { connect } = await startServer(
    { onConn: () => 0 },
    { maxFrameLength: 13, maxConnections: 1, maxInFlight: 1, maxWriteBuffer: 1024 },
  )
  const peer = await connect()
  peer.send(conn(1) + submit(2))
  expect(await peer.receive(28)).toBe(connAck(1) + submitAck(2))
})

test('no limits at all still make a server that works', async () => {
  const off = Object.fromEntries(NUMBERS.map(([name]) => [name, 0]))
  const { connect } = await startServer({}, off)
  const peer = await connect()
  peer.end(submit(1, filler(2_000_000)))
  expect(await peer.receiveAll()).toBe(submitAck(1))
})
