// Keys, positions, peer IDs and names (SPEC.md, sections 1, 3 and 4).

import { createHash } from 'node:crypto'
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { blake3 } from '@noble/hashes/blake3.js'
import { base58btc } from 'multiformats/bases/base58'

/** The hash of blocks and files: BLAKE3-256. */
export const hashOf = bytes => blake3(bytes)

/** The key of a string: the last two bytes of its MD5. */
export const keyOf = s => createHash('md5').update(s, 'utf8').digest().readUInt16BE(14)

/** The key under which the ring keeps block index of a file; block 0 is the file itself. */
export const placeOf = (name, index = 0) => keyOf(index === 0 ? name : `${name}#${index}`)

/** The text form of a peer ID's bytes. */
export const idText = id => base58btc.encode(id).slice(1)

/**
 * The bytes of the peer ID of a public key: the encoded key itself when it has up to 42 bytes,
 * otherwise its SHA-256.
 */
export function idOfKey (encoded) {
  if (encoded.length <= 42) return Buffer.concat([Uint8Array.from([0, encoded.length]), encoded])
  return Buffer.concat([Uint8Array.from([0x12, 32]), createHash('sha256').update(encoded).digest()])
}

/** The encoded public key that a peer ID holds, or null. */
export const keyInId = id => id[0] === 0 && id[1] === id.length - 2 ? id.subarray(2) : null

/** Whether signature is the one of text by the key. */
export async function signedBy (encodedKey, text, signature) {
  try {
    return await publicKeyFromProtobuf(encodedKey).verify(text, signature)
  } catch {
    return false
  }
}

export const equal = (a, b) => Buffer.compare(a, b) === 0

/** checkName throws when no file can have that name. */
export function checkName (name) {
  const size = Buffer.byteLength(name)
  if (size === 0 || size > 1024) throw new Error('a name has 1 to 1024 bytes')
  if (!name.isWellFormed()) throw new Error('a name is UTF-8')
  if (/\p{Cc}/u.test(name)) throw new Error('a name has no control characters')
  for (const part of name.split('/')) {
    if (part === '' || part === '.' || part === '..') throw new Error(`a name has no part "${part}"`)
  }
}
