/** An event of a simulation. Clients are numbered from 1. */
export type SimulationEvent =
  | { readonly type: 'connected'; readonly client: number }
  | {
      readonly type: 'sent'
      readonly client: number
      readonly id: string
      readonly payload: string
      readonly frameLength: number
    }
  | { readonly type: 'answered'; readonly client: number; readonly id: string; readonly result: number }
  | { readonly type: 'exited'; readonly client: number; readonly error: Error | undefined }

/** The line that the client of the Go series logs for an event. */
export function describeEvent(event: SimulationEvent): string {
  const name = `[client ${event.client}]:`
  switch (event.type) {
    case 'connected':
      return `${name} dial ok`
    case 'sent':
      return `${name} send submit id = ${event.id}, payload=${event.payload}, frame length = ${event.frameLength}`
    case 'answered':
      return `${name} the result of submit ack[${event.id}] is ${event.result}`
    case 'exited':
      return event.error === undefined ? `${name} exit ok` : `${name} exit with error: ${event.error.message}`
  }
}
