/**
 * Whether a handler may use its second parameter. If so, a request context is made for each call. If the source does not
 * show that it takes only one (rest and default parameters, `arguments`, a bound function), the answer is true.
 */
export function takesContext(handler: (...parameters: never[]) => unknown): boolean {
  if (handler.length > 1) return true
  const source = Function.prototype.toString.call(handler)
  if (/\barguments\b|\[native code\]/.test(source)) return true
  // One parameter without parentheses.
  if (/^(?:async\s+)?[\w$]+\s*=>/.test(source)) return false
  const open = source.indexOf('(')
  const close = source.indexOf(')', open)
  if (open === -1 || close === -1) return true
  const parameters = source.slice(open + 1, close).replaceAll(/\{[^{}]*\}|\[[^[\]]*\]/g, '')
  return /,|\.\.\.|=/.test(parameters)
}
