/** Where a listener listens. */
export type EngineAddress = { readonly address: string; readonly port: number } | { readonly path: string }
