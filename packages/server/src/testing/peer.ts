import { Peer, type PeerOptions } from '@demo/testkit/peer'
import type { ServerAddress } from '../index.ts'
import { underTest } from './transports.ts'

/** Connects a peer that sends bytes as they are, over the transport under test. */
export async function connectPeer(address: ServerAddress, options: PeerOptions = {}): Promise<Peer> {
  const peer = new Peer(await underTest.connect(address, options))
  if (options.reads ?? true) peer.read()
  return peer
}
