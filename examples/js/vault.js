// Encrypted files: what holders of a vault's keys see (SPEC.md, section 9b).

import { createCipheriv, randomBytes } from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { checkName, equal, hashOf } from './keys.js'
import { decode, encode } from './messages.js'

const utf8 = s => Buffer.from(s, 'utf8')
const derive = (purpose, key) => blake3(key, { context: utf8('p2pchord vault v1 ' + purpose) })
const mac = (key, ...parts) => blake3(Buffer.concat(parts), { key })
const be32 = n => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b }
const be64 = n => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b }

function base32 (bytes) {
  let out = ''
  let bits = 0
  let held = 0
  for (const b of bytes) {
    held = (held << 8) | b
    for (bits += 8; bits >= 5; bits -= 5) out += 'abcdefghijklmnopqrstuvwxyz234567'[(held >> (bits - 5)) & 31]
    held &= (1 << bits) - 1
  }
  return bits > 0 ? out + 'abcdefghijklmnopqrstuvwxyz234567'[(held << (5 - bits)) & 31] : out
}

/** A vault whose keys are known: the name key, and content keys by epoch. */
export class Vault {
  constructor (nameKey, contentKeys) {
    this.nameKey = nameKey
    this.contentKeys = new Map(contentKeys)
    this.id = derive('id', nameKey).subarray(0, 5)
    this.prefix = `.v1/${base32(this.id)}/`
  }

  #token (name) { return mac(derive('names', this.nameKey), utf8(name)) }

  /** storedName is the name under which the ring keeps a file. */
  storedName (name) { return this.prefix + base32(this.#token(name)) }

  /** tags are those of the folders that a file is in. */
  tags (name) {
    const key = derive('folders', this.nameKey)
    const folders = ['']
    for (let i = name.indexOf('/'); i >= 0; i = name.indexOf('/', i + 1)) folders.push(name.slice(0, i + 1))
    return Buffer.concat(folders.slice(0, 16).map(f => mac(key, utf8(f)).subarray(0, 8)))
  }

  /** file returns the keys of a file in an epoch, by default the newest one. */
  file (name, epoch = Math.max(...this.contentKeys.keys())) {
    const key = this.contentKeys.get(epoch)
    if (key == null) throw new Error(`the data key of epoch ${epoch} has not arrived yet`)
    const secret = mac(derive('files', key), this.#token(name))
    return { name, epoch, blocks: derive('blocks', secret), descriptions: derive('descriptions', secret) }
  }

  /**
   * open returns the description and the salts in a record of the file with this name. body is the
   * record's, verified and decoded; encoded is what was signed.
   */
  open (name, body, encoded) {
    if (body.name !== this.storedName(name)) throw new Error('the record is that of another file')
    const { sealed } = body
    if (sealed.length < 45 || sealed[0] !== 1) throw new Error('the record has no description that can be read')
    const header = sealed.subarray(0, 5)
    const file = this.file(name, Buffer.from(header).readUInt32BE(1))
    const key = descriptionKey(file, body)
    const text = Buffer.from(xchacha20poly1305(key, sealed.subarray(5, 29), Buffer.concat([header, sealedTo(encoded)])).decrypt(sealed.subarray(29)))
    const description = decode('Description', text.subarray(2, 2 + text.readUInt16BE()))
    checkName(description.name)
    if (description.name !== name || description.size !== body.size || description.hash.length !== 32) throw new Error('the description is that of another file')
    const salts = []
    if (body.blocks.length > 0) {
      const all = xchacha20poly1305(derive('sealed salts', key), body.salts.subarray(0, 24), header).decrypt(body.salts.subarray(24))
      for (let i = 0; i < all.length; i += 16) salts.push(all.subarray(i, i + 16))
    }
    return { file, description, salts }
  }
}

const descriptionKey = (file, { clock, writer }) => mac(file.descriptions, be64(clock), writer)

/** sealedTo is the hash of an encoded RecordBody without the field sealed. */
export function sealedTo (encoded) {
  const parts = []
  for (let at = 0; at < encoded.length;) {
    const [tag, begin] = varint(encoded, at)
    let end = begin
    switch (Number(tag & 7n)) {
      case 0: end = varint(encoded, begin)[1]; break
      case 1: end = begin + 8; break
      case 2: { const [n, from] = varint(encoded, begin); end = from + Number(n); break }
      case 5: end = begin + 4; break
      default: throw new Error('the body can\'t be decoded')
    }
    if (tag >> 3n !== 17n) parts.push(encoded.subarray(at, end))
    at = end
  }
  return hashOf(Buffer.concat(parts))
}

function varint (bytes, at) {
  let n = 0n
  for (let shift = 0n; at < bytes.length; shift += 7n) {
    const b = bytes[at++]
    n |= BigInt(b & 127) << shift
    if (b < 128) return [n, at]
  }
  throw new Error('a number ends too early')
}

/** crypt encrypts or decrypts block i of a file, or its bytes from an offset on. */
export function crypt (file, i, salt, bytes, offset = 0) {
  const counter = Buffer.concat([Buffer.alloc(8), be64(Math.floor(offset / 16))])
  const cipher = createCipheriv('aes-256-ctr', mac(file.blocks, be32(i), salt), counter)
  cipher.update(Buffer.alloc(offset % 16))
  return cipher.update(bytes)
}

/**
 * seal adds to the body of a record, which has all other fields, writer and clock included, what
 * only those see who have the keys.
 */
export function seal (file, body, description, salts, nonces = randomBytes(48)) {
  const header = Buffer.concat([Uint8Array.from([1]), be32(file.epoch)])
  const key = descriptionKey(file, body)
  const rest = { ...body }
  if (salts.length > 0) {
    const nonce = nonces.subarray(24)
    rest.salts = Buffer.concat([nonce, xchacha20poly1305(derive('sealed salts', key), nonce, header).encrypt(Buffer.concat(salts))])
  }
  const d = encode('Description', description)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(d.length)
  const room = Math.ceil((45 + 2 + d.length) / 256) * 256 - 45
  const text = Buffer.concat([length, d], room)
  const nonce = nonces.subarray(0, 24)
  const box = xchacha20poly1305(key, nonce, Buffer.concat([header, sealedTo(encode('RecordBody', rest))])).encrypt(text)
  return { ...rest, sealed: Buffer.concat([header, nonce, box]) }
}

/** newSalt is the salt of a block for a writer that doesn't compute chaining values. */
export const newSalt = () => randomBytes(16)

/** isWhole compares the hash of a file that was decrypted. */
export const isWhole = (description, bytes) => equal(hashOf(bytes), description.hash)
