import { ClientError } from '../common/client-error.ts'
import { describeLocation, type ServerLocation } from './server-location.ts'
import { socketPathProblem } from './socket-path.ts'

/** What is wrong with a location before anything connects to it, or undefined. */
export function locationProblem(location: ServerLocation): ClientError | undefined {
  const problem = 'path' in location ? socketPathProblem(location.path) : undefined
  if (problem === undefined) return undefined
  return new ClientError('ERR_CLIENT_CONNECT', `can't connect to ${describeLocation(location)}: ${problem}`)
}
