// The messages of protocol/pb/*.proto, and how they go over a stream (SPEC.md, section 2).

import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const folder = fileURLToPath(new URL('../../protocol/pb/', import.meta.url))
const root = new protobuf.Root()
root.resolvePath = (_, target) => target.startsWith('/') ? target : folder + target
await root.load(['bootstrap.proto', 'ring.proto', 'file.proto', 'instance.proto', 'vault.proto'], { keepCase: true })

/** The three conversations: protocol ID, messages, and the most bytes that a message may have. */
export const protocols = {
  bootstrap: { id: '/p2pchord/bootstrap/1.0.0', request: 'BootstrapRequest', response: 'BootstrapResponse', limit: 1 << 20 },
  ring: { id: '/p2pchord/ring/1.0.0', request: 'RingRequest', response: 'RingResponse', limit: 1 << 20 },
  file: { id: '/p2pchord/file/1.0.0', request: 'FileRequest', response: 'FileResponse', limit: 4 << 20 }
}

/** The limits of raw bytes after a message, and after a request that doesn't offer them first. */
export const maxBody = 32 << 20
export const maxImmediateBody = 64 << 10

/** encode turns fields into the bytes of a message. 64-bit numbers may be BigInts. */
export function encode (type, fields) {
  const t = root.lookupType('p2pchord.v1.' + type)
  return t.encode(t.fromObject(withoutBigInts(fields))).finish()
}

/**
 * decode reads a message. Lists that are absent are empty, 64-bit numbers are decimal strings,
 * bytes are Uint8Arrays.
 */
export function decode (type, bytes) {
  const t = root.lookupType('p2pchord.v1.' + type)
  return t.toObject(t.decode(bytes), { longs: String, arrays: true, defaults: true, oneofs: true })
}

function withoutBigInts (value) {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(withoutBigInts)
  if (value == null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withoutBigInts(v)]))
}

/** frame puts the length before a message, as an unsigned varint. */
export function frame (message) {
  const length = []
  let n = message.length
  for (; n > 127; n = Math.floor(n / 128)) length.push(n % 128 + 128)
  return Buffer.concat([Uint8Array.from([...length, n]), message])
}

/** readFrame reads one message through read(n), which yields exactly n bytes. */
export async function readFrame (read, limit) {
  let length = 0
  for (let i = 0; ; i++) {
    const [byte] = await read(1)
    if (i === 9 || (i > 0 && byte === 0)) throw new Error('the length of a message is malformed')
    length += (byte % 128) * 128 ** i
    if (byte < 128) break
  }
  if (length > limit) throw new Error(`a message of ${length} bytes, more than ${limit}`)
  return length === 0 ? new Uint8Array() : read(length)
}
