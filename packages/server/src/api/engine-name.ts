/** What moves the bytes of a server's sockets. */
export type EngineName = 'native' | 'node'
