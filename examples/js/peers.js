// Peers: who they are, where they stand, how to reach them (SPEC.md, section 4).

import { multiaddr } from '@multiformats/multiaddr'
import protobuf from 'protobufjs'
import { equal, idOfKey, idText, keyInId, keyOf, signedBy } from './keys.js'

// libp2p's signed peer records (RFC 0002 and 0003).
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Envelope { bytes public_key = 1; bytes payload_type = 2; bytes payload = 3; bytes signature = 5; }
  message PeerRecord { bytes peer_id = 1; uint64 seq = 2; repeated Address addresses = 3; }
  message Address { bytes multiaddr = 1; }`, { keepCase: true })
const Envelope = root.lookupType('Envelope')
const PeerRecord = root.lookupType('PeerRecord')
const domain = Buffer.from('libp2p-peer-record')
const payloadType = Uint8Array.from([0x03, 0x01])

/**
 * parsePeer verifies a Peer and returns {id, key, addrs, message}; it throws when anything in it
 * is wrong.
 */
export async function parsePeer (p) {
  if (p.id.length === 0 || p.id.length > 64) throw new Error('a peer ID has 1 to 64 bytes')
  let key = keyInId(p.id)
  let addrs = []
  if (p.record.length > 0) {
    const record = await openRecord(p.record)
    if (!equal(record.peer, p.id)) throw new Error('the addresses are those of another peer')
    key ??= record.key
    if (!equal(record.key, key)) throw new Error('the addresses are signed by another peer')
    addrs = record.addrs
  }
  if (key == null || !equal(idOfKey(key), p.id)) throw new Error('the public key is not that of the peer')
  const address = splitAddress(p.ring_address, p.ring_host_length)
  if (!await signedBy(key, Buffer.from('p2pchord-ring-address:' + address), p.ring_signature)) {
    throw new Error('the ring address is not signed by the peer')
  }
  const statement = Buffer.concat([Buffer.from('p2pchord-peer-statement:' + address + '\0'), p.record])
  if (p.record.length > 0 && p.statement_signature.length > 0 && !await signedBy(key, statement, p.statement_signature)) {
    throw new Error('the ring address and the addresses are not signed together')
  }
  const id = idText(p.id)
  return { id, key: keyOf(p.ring_address || id), addrs: addrs.map(a => `${a}/p2p/${id}`), message: p }
}

/** splitAddress is the ring address as it is signed. */
function splitAddress (hashed, hostLength) {
  if (hashed === '' && hostLength === 0) return ''
  const bytes = Buffer.from(hashed)
  const host = bytes.subarray(0, hostLength).toString()
  const port = bytes.subarray(hostLength).toString()
  if (hostLength < 1 || hostLength > 253 || host + port !== hashed) throw new Error('the host of a ring address has 1 to 253 bytes')
  if (/[\p{White_Space}\p{Cc}/[\]]/u.test(host)) throw new Error('the host of a ring address has a character that it may not have')
  if (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65535) throw new Error('the port of a ring address is 1 to 65535')
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

async function openRecord (bytes) {
  const e = Envelope.decode(bytes)
  const text = Buffer.concat([domain, e.payload_type, e.payload].flatMap(part => [varint(part.length), part]))
  if (!equal(e.payload_type, payloadType) || !await signedBy(e.public_key, text, e.signature)) {
    throw new Error('the addresses are not signed')
  }
  const r = PeerRecord.decode(e.payload)
  return { peer: r.peer_id, key: e.public_key, addrs: r.addresses.flatMap(a => readAddr(a.multiaddr)) }
}

/** readAddr skips addresses of kinds that are not known here. */
function readAddr (bytes) {
  try {
    return bytes.length > 0 ? [multiaddr(bytes).toString()] : []
  } catch {
    return []
  }
}

function varint (n) {
  const out = []
  for (; n > 127; n = Math.floor(n / 128)) out.push(n % 128 + 128)
  return Uint8Array.from([...out, n])
}
