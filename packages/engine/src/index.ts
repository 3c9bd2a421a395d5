export type { EngineAddress } from './address.ts'
export { type CutPlan, EngineConnection, type EngineEvents } from './connection.ts'
export {
  Engine,
  type EngineConnectOptions,
  type EngineListener,
  type EngineListenOptions,
} from './engine.ts'
export type { FrameBatch } from './frame-batch.ts'
export { EngineUnavailableError, loadEngine } from './load.ts'
