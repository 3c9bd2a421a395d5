// biome-ignore-all lint/complexity/noArguments: what reads `arguments` is what is tested
// biome-ignore-all lint/security/noGlobalEval: the formatter would add the parentheses that are to be missing
import { expect, test, vi } from 'vitest'
import { takesContext } from './takes-context.ts'

class Methods {
  none() {}
  async one(_submit: unknown) {}
  two(_submit: unknown, _context: unknown) {}
}
const { none, one, two } = Methods.prototype

test.each<[string, (...parameters: never[]) => unknown]>([
  ['an arrow function without parameters', () => 0],
  ['an async one', async () => 0],
  ['one parameter', (_submit: unknown) => 0],
  ['one parameter without parentheses', eval('submit => 0')],
  ['one async parameter without parentheses', eval('async submit => 0')],
  ['a destructured parameter', ({ id: _id, payload: _payload }: { id: unknown; payload: unknown }) => 0],
  ['a function', function handler(_submit: unknown) {}],
  ['a method without parameters', none],
  ['a method with one', one],
])('%s: no context is made', (_name, handler) => {
  expect(takesContext(handler)).toBe(false)
})

test.each<[string, (...parameters: never[]) => unknown]>([
  ['two parameters', (_submit: unknown, _context: unknown) => 0],
  ['a method with two', two],
  ['rest parameters', (..._all: unknown[]) => 0],
  ['one parameter and rest', (_submit: unknown, ..._rest: unknown[]) => 0],
  ['a default context', (_submit: unknown, _context: unknown = {}) => 0],
  ['defaults for both', (_submit: unknown = f(1), _context: unknown = {}) => 0],
  [
    'arguments',
    function handler() {
      return arguments[1]
    },
  ],
  ['a bound function', ((_submit: unknown, _context: unknown) => 0).bind(undefined)],
  ['a mock', vi.fn()],
])('%s: it may be looked at, so one is made', (_name, handler) => {
  expect(takesContext(handler)).toBe(true)
})

function f(value: unknown) {
  return value
}
