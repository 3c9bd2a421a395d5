/** A handler for threads that does what its payload says, as JSON: `{ what, path }`. */
import { pbkdf2Sync } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'

/** @type {import('../handlers/threads.ts').ThreadHandler} */
export default function onSubmit(submit, context) {
  const { what, path } = JSON.parse(Buffer.from(submit.payload).toString())
  switch (what) {
    case 'success':
      return 0
    case 'failure':
      return 1
    case 'tell':
      writeFileSync(path, JSON.stringify(facts(submit, context)))
      return
    case 'burn until the file is there':
      writeFileSync(`${path}.begun`, '')
      while (!existsSync(path));
      return 0
    case 'burn until aborted':
      writeFileSync(`${path}.begun`, '')
      while (!context.signal.aborted);
      writeFileSync(path, context.signal.reason.code)
      return 0
    case 'burn for ever':
      writeFileSync(`${path}.begun`, '')
      for (;;);
    case 'burn in native code':
      writeFileSync(`${path}.begun`, '')
      // A thread cannot be terminated before this returns.
      pbkdf2Sync('password', 'salt', 2_000_000, 32, 'sha256')
      return 0
    case 'wait until aborted':
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => {
          writeFileSync(path, context.signal.reason.code)
          reject(context.signal.reason)
        })
        writeFileSync(`${path}.begun`, '')
      })
    case 'wait for the file':
      return new Promise((resolve) => {
        const timer = setInterval(() => {
          if (!existsSync(path)) return
          clearInterval(timer)
          resolve(0)
        }, 1)
      })
    case 'exit':
      process.exit(3)
      break
    case 'throw where nobody hears it':
      setImmediate(() => {
        throw new Error('nobody hears it')
      })
      return new Promise(() => {})
    case 'throw after the answer':
      setImmediate(() => setImmediate(() => setImmediate(throwLate)))
      return 0
    case 'fill the memory':
      for (const all = []; ; ) all.push(new Array(10_000).fill(all.length))
    case 'throw':
      throw Object.assign(new RangeError('out of it'), { code: 'ERR_OUT', uncloneable: () => {} })
    case 'throw a function':
      throw () => {}
    case 'return a function':
      return /** @type {any} */ (() => {})
    default:
      throw new Error(`what is ${what}?`)
  }
}

function throwLate() {
  throw new Error('too late')
}

/**
 * @param {import('../handlers/threads.ts').ThreadSubmit} submit
 * @param {import('../handlers/threads.ts').ThreadContext} context
 */
function facts({ id, command, payload, payloadLength }, { id: contextId, session, deadline, receivedAt, signal }) {
  const now = performance.now()
  return {
    id,
    command,
    contextId,
    session,
    lengths: [payload.length, payloadLength, payload.buffer.byteLength],
    sinceReceived: now - receivedAt,
    untilDeadline: deadline - now,
    aborted: signal.aborted,
  }
}
