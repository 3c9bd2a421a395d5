import type { ConnView, SubmitView } from '@demo/packet'
import type { RequestContext } from '../api/request-context.ts'
import type { HandlerOutcome } from '../api/result.ts'
import { show } from '../internal/format-value.ts'

/** What a {@link router} chooses a handler by. */
export type RouteKey = string | number

export interface RouterOptions<Message, Handler> {
  /** The key of a message. If it throws, the request fails. */
  key(message: Message): RouteKey
  /**
   * Handles messages whose key has no handler.
   *
   * @default throws a {@link RouterError}: the request is answered with 1
   */
  unknown?: Handler | undefined
}

/** Handles one kind of message. */
export type RouteHandler<Message, Reply, Context> = (message: Message, context: Context) => Reply | Promise<Reply>

/** Handles one kind of Submit. */
export type SubmitHandler<Data = unknown> = (submit: SubmitView, context: RequestContext<Data>) => HandlerOutcome

/** A message has a key that has no handler. */
export class RouterError extends Error {
  override readonly name = 'RouterError'
  readonly code = 'ERR_ROUTER_UNKNOWN_KEY'
  /** The key that `key` returned. */
  readonly key: unknown

  constructor(key: unknown) {
    super(`no handler for the key ${shorten(show(key))}`)
    this.key = key
  }
}

type AnyHandler<Message, Context> = (message: Message, context: Context) => unknown

/**
 * Makes one handler of many: each message goes to the handler of its key. Only the object's own keys count; 1 and '1' are
 * the same key. It takes a context if one of its handlers does.
 *
 * @throws TypeError when a handler, `key` or `unknown` is not a function
 */
export function router<Data = unknown>(
  handlers: Readonly<Record<RouteKey, SubmitHandler<Data>>>,
  options: RouterOptions<SubmitView, SubmitHandler<Data>>,
): SubmitHandler<Data>
export function router<Message, Reply, Context>(
  handlers: Readonly<Record<RouteKey, RouteHandler<Message, Reply, Context>>>,
  options: RouterOptions<Message, RouteHandler<Message, Reply, Context>>,
): RouteHandler<Message, Reply, Context>
export function router<Message extends ConnView | SubmitView, Context>(
  handlers: Readonly<Record<RouteKey, AnyHandler<Message, Context>>>,
  options: RouterOptions<Message, AnyHandler<Message, Context>>,
): AnyHandler<Message, Context> {
  const { key, unknown } = options
  checkFunction('key', key)
  if (unknown !== undefined) checkFunction('unknown', unknown)
  // A Map: `__proto__` or `constructor` from a peer finds no handler.
  const routes = new Map<unknown, AnyHandler<Message, Context>>()
  for (const [name, handler] of Object.entries(handlers)) {
    checkFunction(`handler of ${show(name)}`, handler)
    routes.set(name, handler)
    if (String(Number(name)) === name) routes.set(Number(name), handler)
  }
  const otherwise = unknown ?? ((message: Message) => refuse(key(message)))
  const find = (message: Message) => routes.get(key(message)) ?? otherwise
  const all = unknown === undefined ? [...routes.values()] : [...routes.values(), unknown]
  if (all.every(({ length }) => length === 1)) {
    return (message: Message) => (find(message) as (message: Message) => unknown)(message)
  }
  return (message, context) => find(message)(message, context)
}

function refuse(key: unknown): never {
  throw new RouterError(key)
}

function checkFunction(what: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`router: invalid ${what} (${typeof value}): expected a function`)
}

/** A peer chooses the length of its key; the log gets the beginning. */
function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text
}
